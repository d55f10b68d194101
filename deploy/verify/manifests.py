"""Holds rendered manifests against the schemas of Kubernetes and of the custom resources. Exit 1 and a line for each mistake.

python manifests.py KUBERNETES SCHEMAS FILE...

KUBERNETES is a version like 1.31, SCHEMAS the folder that crd_schemas.py wrote. A kind without a schema is a mistake too.
"""

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-not-found, unused-ignore]
import yaml

HERE = Path(__file__).resolve().parent


def custom_schema(document: dict[str, Any], schemas: Path) -> Path:
    """Return where the schema of a custom resource must be."""
    if document["kind"] == "KafkaTopic":
        return HERE / "kafkatopic.v1.schema.json"
    group, _, version = document["apiVersion"].rpartition("/")
    return schemas / f"{group}_{document['kind']}_{version}.json"


def is_built_in(document: dict[str, Any]) -> bool:
    """Whether Kubernetes itself knows the kind: its groups have no dot, or end in k8s.io."""
    group = document["apiVersion"].rpartition("/")[0]
    return "." not in group or group.endswith(".k8s.io")


def mistakes(document: dict[str, Any], kubernetes: str, schemas: Path) -> list[str]:
    """Return what is wrong with one manifest."""
    if is_built_in(document):
        try:
            kubernetes_validate.validate(document, kubernetes, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            return [str(error).splitlines()[0]]
        return []
    path = custom_schema(document, schemas)
    if not path.exists():
        return [f"no schema {path.name}"]
    validator = jsonschema.Draft202012Validator(json.loads(path.read_text()))
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(document)]


def main(kubernetes: str, schemas: str, *files: str) -> int:
    """Check all files, print mistakes and how many manifests were looked at; return the exit code."""
    looked, wrong = 0, 0
    for file in files:
        for document in yaml.safe_load_all(Path(file).read_text()):
            if not document:
                continue
            looked += 1
            for mistake in mistakes(document, kubernetes, Path(schemas)):
                wrong += 1
                print(f"{file}: {document['kind']} {document['metadata']['name']}: {mistake}")
    print(f"{looked} manifests, {wrong} mistakes")
    return 1 if wrong or not looked else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
