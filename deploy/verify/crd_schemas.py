"""Turns CustomResourceDefinitions into JSON Schemas that allow no unknown field, one file for each kind and version.

python crd_schemas.py OUT FILE...
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml


def strict(schema: Any) -> Any:
    """Return the schema with unknown fields forbidden wherever fields are listed and others are not let through on purpose."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(each) for name, each in schema.items()}
    keeps = made.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(made.get("properties"), dict) and made.get("type") == "object" and not keeps:
        made.setdefault("additionalProperties", False)
    return made


def write(out: Path, definitions: str) -> None:
    """Write `GROUP_KIND_VERSION.json` for each version that a file's definitions serve."""
    for definition in yaml.safe_load_all(definitions):
        if not definition or definition.get("kind") != "CustomResourceDefinition":
            continue
        spec = definition["spec"]
        for version in spec["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"type": "object"}
            (out / f"{spec['group']}_{spec['names']['kind']}_{version['name']}.json").write_text(json.dumps(schema))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for file in sys.argv[2:]:
        write(folder, Path(file).read_text())
