"""Import… and Export of the lists in the admin: upload, plan, apply."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from schedules_app.actions import create_schedule
from schedules_app.models import ScheduledWorkflow
from templates_app.actions import create_template, update_template
from templates_app.models import TemplateVersion, WorkflowTemplate
from tenants_app.models import ImportDraft, Tenant
from tests.conftest import member
from tests.templates.conftest import saying
from triggers_app.actions import create_trigger
from triggers_app.models import EventTrigger

TEMPLATES = "/admin/templates_app/workflowtemplate/"
SCHEDULES = "/admin/schedules_app/scheduledworkflow/"
TRIGGERS = "/admin/triggers_app/eventtrigger/"
SignIn = Callable[..., Client]


@pytest.fixture
def sign_in(tenant: Tenant) -> SignIn:
    def client(role: str, name: str = "", of: Tenant | None = None, **options: Any) -> Client:
        user = member(name or role, of or tenant, role)
        user.is_staff = True
        user.save(update_fields=["is_staff"])
        signed = Client(**options)
        signed.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return signed

    return client


@pytest.fixture
def editor(sign_in: SignIn) -> Client:
    return sign_in("editor", "eve")


def upload(client: Client, page: str, **files: Any) -> Any:
    """`t_yaml="…"` uploads t.yaml."""
    sent = [
        SimpleUploadedFile(
            name.replace("_", "."), (text if isinstance(text, str) else json.dumps(text, indent=1)).encode()
        )
        for name, text in files.items()
    ]
    return client.post(f"{page}import/", {"uploads": sent})


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def told(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def names(tenant: Tenant) -> list[str]:
    return sorted(WorkflowTemplate.objects.for_tenant(tenant).values_list("name", flat=True))


def row(name: str, said: str = "Hi") -> dict[str, Any]:
    return {"name": name, "workflow_definition": saying(said)}


def test_the_plan_is_shown_and_applied(editor: Client, tenant: Tenant) -> None:
    create_template(tenant, row("old"))
    create_template(tenant, row("same"))
    form = editor.get(f"{TEMPLATES}import/")
    shown = upload(editor, TEMPLATES, t_json=[row("fresh"), row("old", "Bye"), row("same")])
    draft = ImportDraft.objects.for_tenant(tenant).get()

    assert f'href="{TEMPLATES}import/"' in text(editor.get(TEMPLATES))
    assert (form.status_code, shown.status_code) == (200, 200)
    assert "<strong>1</strong> to create, <strong>1</strong> to update, <strong>1</strong> unchanged" in text(shown)
    assert "t.json:2" in text(shown)
    assert f"{TEMPLATES}import/{draft.pk}/" in text(shown)
    assert names(tenant) == ["old", "same"]

    applied = editor.post(f"{TEMPLATES}import/{draft.pk}/")
    assert (applied.status_code, applied["Location"]) == (302, TEMPLATES)
    assert told(applied) == "1 created, 1 updated, 1 unchanged."
    assert names(tenant) == ["fresh", "old", "same"]
    version = TemplateVersion.objects.for_tenant(tenant).get(template__name="old", number=2)
    assert version.author is not None
    assert (version.author.username, version.comment) == ("eve", "Imported from t.json.")
    entry = LogEntry.objects.filter(object_repr="fresh").get()
    assert entry.actor is not None
    assert entry.actor.username == "eve"
    assert not ImportDraft.objects.for_tenant(tenant).exists()
    again = editor.post(f"{TEMPLATES}import/{draft.pk}/", follow=True)
    assert "applied already" in text(again)


def test_what_is_wrong_is_told_with_lines_and_nothing_is_kept(editor: Client, tenant: Tenant) -> None:
    shown = upload(editor, TEMPLATES, t_csv="name,enabled\ngood,maybe\nother,1\n", u_yaml="a: 1\na: 2\n")

    assert shown.status_code == 422
    for place in ("t.csv:2", "t.csv:3", "u.yaml:2"):
        assert f"<code>{place}</code>" in text(shown)
    assert not ImportDraft.objects.for_tenant(tenant).exists()
    assert names(tenant) == []


def test_rows_that_change_between_plan_and_apply_bring_the_plan_back(editor: Client, tenant: Tenant) -> None:
    old = create_template(tenant, row("old"))[0]
    upload(editor, TEMPLATES, t_json=row("old", "Bye"))
    draft = ImportDraft.objects.for_tenant(tenant).get()
    update_template(old, {"description": "changed meanwhile"})
    back = editor.post(f"{TEMPLATES}import/{draft.pk}/")

    assert back.status_code == 200
    assert "Rows have changed since; this is the plan now." in told(back)
    assert WorkflowTemplate.objects.for_tenant(tenant).get().version == 1
    assert editor.post(f"{TEMPLATES}import/{draft.pk}/").status_code == 302
    assert WorkflowTemplate.objects.for_tenant(tenant).get().version == 2


def test_schedules_and_triggers_have_the_same_page(editor: Client, tenant: Tenant) -> None:
    create_template(tenant, row("greet"))
    csv = "name,cron_expression,template\nnightly,0 3 * * *,greet\n"
    upload(editor, SCHEDULES, s_csv=csv)
    upload(editor, TRIGGERS, t_yaml="name: paid\nevent_type: paid\ntemplate: greet\n")
    for page, draft in zip((SCHEDULES, TRIGGERS), ImportDraft.objects.for_tenant(tenant).order_by("pk"), strict=True):
        assert editor.post(f"{page}import/{draft.pk}/").status_code == 302

    nightly = ScheduledWorkflow.objects.for_tenant(tenant).get()
    assert nightly.owner is not None
    assert nightly.owner.username == "eve"
    assert EventTrigger.objects.for_tenant(tenant).get().name == "paid"


def test_only_editors_import_and_only_into_their_tenant(
    sign_in: SignIn, editor: Client, tenant: Tenant, other_tenant: Tenant
) -> None:
    upload(editor, TEMPLATES, t_json=row("mine"))
    draft = ImportDraft.objects.for_tenant(tenant).get()
    operator, admin = sign_in("operator"), sign_in("admin")
    stranger = sign_in("admin", "mallory", other_tenant)

    assert "Import…" not in text(operator.get(TEMPLATES))
    assert operator.get(f"{TEMPLATES}import/").status_code == 403
    assert upload(operator, TEMPLATES, t_json=row("theirs")).status_code == 403
    assert operator.post(f"{TEMPLATES}import/{draft.pk}/").status_code == 403
    for client in (admin, stranger):
        assert client.post(f"{TEMPLATES}import/{draft.pk}/")["Location"] == f"{TEMPLATES}import/"
    assert editor.get(f"{TEMPLATES}import/{draft.pk}/").status_code == 405
    assert names(tenant) == names(other_tenant) == []
    assert Client().get(f"{TEMPLATES}import/").status_code == 302


def test_both_steps_want_the_csrf_token(sign_in: SignIn, tenant: Tenant, editor: Client) -> None:
    upload(editor, TEMPLATES, t_json=row("mine"))
    draft = ImportDraft.objects.for_tenant(tenant).get()
    strict = sign_in("editor", "carol", enforce_csrf_checks=True)

    assert upload(strict, TEMPLATES, t_json=row("mine")).status_code == 403
    assert strict.post(f"{TEMPLATES}import/{draft.pk}/").status_code == 403


def test_large_uploads_and_other_files_are_refused_in_words(editor: Client, settings: Any) -> None:
    settings.HIGHWAY_IMPORT_BYTES = 1000
    large = upload(editor, TEMPLATES, t_json=" " * 1001)
    other = upload(editor, TEMPLATES, t_txt="x")
    empty = editor.post(f"{TEMPLATES}import/", {})
    binary = editor.post(f"{TEMPLATES}import/", {"uploads": SimpleUploadedFile("t.json", b"\xff\xfe")})
    zeros = upload(editor, TEMPLATES, t_csv="name\na\x00b\n")

    assert "at most 0.000953674 MiB can be uploaded at once" in text(large)
    assert "give a file that ends with .json, .yaml, .yml, .py, .csv" in text(other)
    assert "This field is required" in text(empty)
    assert "t.json:1: not UTF-8" in text(binary)
    assert "NUL characters" in text(zeros)


def test_a_table_names_only_files_uploaded_with_it(editor: Client, tenant: Tenant) -> None:
    table = "name,definition_file\na,one.json\n"
    alone = upload(editor, TEMPLATES, t_csv="name,definition_file\na,../../etc/passwd\n")
    upload(editor, TEMPLATES, t_csv=table, one_json=saying())
    draft = ImportDraft.objects.for_tenant(tenant).get()
    editor.post(f"{TEMPLATES}import/{draft.pk}/")

    assert "../../etc/passwd was not uploaded with it." in text(alone)
    assert names(tenant) == ["a"]


def test_uploaded_programs_run_in_a_sandbox(editor: Client, tenant: Tenant) -> None:
    program = (
        "from highway_dsl import WorkflowBuilder, task\n"
        'workflow = WorkflowBuilder("w").add(task("say").tool("tools.log.info").input(message="Hi")).build()\n'
    )
    shown = upload(editor, TEMPLATES, p_py=program)
    curious = upload(editor, TEMPLATES, p_py="print(open('/etc/shadow').read())\n")

    assert "<strong>1</strong> to create" in text(shown)
    assert curious.status_code == 422
    assert upload(editor, SCHEDULES, p_py=program).status_code == 422


def test_chosen_rows_are_downloaded_and_come_back_as_unchanged(editor: Client, tenant: Tenant) -> None:
    greet = create_template(tenant, row("greet", "é"))[0]
    create_template(tenant, row("other"))
    create_schedule(tenant, {"name": "s", "cron_expression": "@daily", "template": greet})
    create_trigger(tenant, {"name": "t", "event_type": "x", "template": greet})
    for page, model in ((TEMPLATES, WorkflowTemplate), (SCHEDULES, ScheduledWorkflow), (TRIGGERS, EventTrigger)):
        chosen = model.objects.for_tenant(tenant).filter(name__in=["greet", "s", "t"]).get()
        for action, name in (("export_yaml", "x_yaml"), ("export_csv", "x_csv")):
            answer = editor.post(page, {"action": action, "_selected_action": [str(chosen.pk)]})
            assert answer["Content-Disposition"].startswith("attachment; filename=")
            shown = upload(editor, page, **{name: answer.content.decode()})
            assert "<strong>0</strong> to create, <strong>0</strong> to update, <strong>1</strong> unchanged" in text(
                shown
            )
