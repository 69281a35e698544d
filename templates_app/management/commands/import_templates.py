from __future__ import annotations

from templates_app.actions import TemplateImporter
from tenants_app.management.importing import ImportCommand


class Command(ImportCommand):
    help = "Create or update templates from files or folders (YAML, JSON, CSV, Python), all or none; says what it does."
    importer = TemplateImporter
