from __future__ import annotations

from tenants_app.management.importing import ImportCommand
from triggers_app.actions import TriggerImporter


class Command(ImportCommand):
    help = "Create or update triggers from files or folders (YAML, JSON, CSV), all or none; says what it does."
    importer = TriggerImporter
