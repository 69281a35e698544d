from __future__ import annotations

from django.db import models

from highway_automation.base.db import TimeOrderedUUIDField
from tenants_app.scoping import TenantModel


class Artifact(TenantModel):
    """A zip of Python files for `tools.python.run`. It lies in the database, so that every machine's workers have it;
    its public id is the hash of its content, so equal content is the same row.
    """

    id = TimeOrderedUUIDField()
    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=255, blank=True, help_text="The name of the file it came as.")
    size = models.PositiveIntegerField(help_text="Bytes.")
    content = models.BinaryField()
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(help_text="When it was last uploaded or run; clean-up goes by this.")

    class Meta(TenantModel.Meta):
        db_table = "artifacts"
        constraints = [models.UniqueConstraint(fields=["tenant", "sha256"], name="artifact_stored_once")]

    def __str__(self) -> str:
        return f"{self.name or 'artifact'} {self.sha256[:8]}"
