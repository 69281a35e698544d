"""A user of the published highway-sdk: reads health and version, lists, makes, reads, rotates and revokes API keys."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import highway_sdk
from highway_sdk.exceptions import ApiException, NotFoundException


def main() -> None:
    configuration = highway_sdk.Configuration(
        host=os.environ["HIGHWAY_API_ENDPOINT"], access_token=os.environ["HIGHWAY_API_KEY"]
    )
    with highway_sdk.ApiClient(configuration) as client:
        system, keys = highway_sdk.SystemApi(client), highway_sdk.APIKeysApi(client)
        told: dict[str, Any] = {"health": system.get_api_v1_health().data.to_dict()}
        system.get_api_v1_version()
        made = keys.post_api_v1_admin_api_keys().data
        told["made"] = {"id": made.api_key_id, "name": made.name, "begins": made.api_key[:6]}
        listed = keys.get_api_v1_admin_api_keys().data
        told["listed"] = [key.api_key_id for key in listed.api_keys]
        told["total"] = listed.total
        read = keys.get_api_v1_admin_api_keysapi_key_id(made.api_key_id).data
        told["read"] = {"status": read.status, "rate_limit": read.rate_limit, "permissions": read.permissions}
        turned = keys.post_api_v1_admin_api_keysapi_key_id_rotate(made.api_key_id).data
        told["rotated"] = turned.new_api_key[:6]
        told["revoked"] = keys.delete_api_v1_admin_api_keysapi_key_id(made.api_key_id).data.message
        told["again"] = refused(lambda: keys.delete_api_v1_admin_api_keysapi_key_id(made.api_key_id))
        try:
            keys.get_api_v1_admin_api_keysapi_key_id("00000000-0000-0000-0000-000000000000")
        except NotFoundException as error:
            told["unknown"] = json.loads(str(error.body))["code"]
    sys.stdout.write(json.dumps(told) + "\n")


def refused(call: Any) -> int:
    try:
        call()
    except ApiException as error:
        return int(error.status)
    return 0


if __name__ == "__main__":
    main()
