"""A bill of materials of installed Python packages: `python infra/check/sbom.py <site-packages> > sbom.cdx.json`.

CycloneDX 1.6 as JSON, from the metadata that the packages were installed with. The same packages make the same file:
it has no time in it, and its serial number is made from its contents. The base image's own packages are not in it.
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import Distribution, PackageMetadata, distributions
from typing import Any
from uuid import NAMESPACE_URL, uuid5

OSI = "License :: OSI Approved :: "


def bill(site_packages: str) -> dict[str, Any]:
    """What is installed there, by name; Carlos himself is what the bill is of. Raises ValueError without him."""
    components = sorted(
        (_component(each) for each in distributions(path=[site_packages])), key=lambda c: str(c["name"])
    )
    subject = next((each for each in components if each["name"] == "carlos"), None)
    if subject is None:
        raise ValueError(f"carlos is not installed in {site_packages}")
    components.remove(subject)
    serial = uuid5(NAMESPACE_URL, json.dumps([subject, components], sort_keys=True))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": {**subject, "type": "application"}},
        "components": components,
    }


def _component(distribution: Distribution) -> dict[str, Any]:
    name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()  # as package URLs have it
    purl = f"pkg:pypi/{name}@{distribution.version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": distribution.version,
        "purl": purl,
        "licenses": _licenses(distribution.metadata),
    }


def _licenses(metadata: PackageMetadata) -> list[dict[str, Any]]:
    """The SPDX expression where the package has one, else what it says in words; empty if it says nothing."""
    if expression := metadata.get("License-Expression"):
        return [{"expression": expression}]
    classifiers = [line.removeprefix(OSI) for line in metadata.get_all("Classifier", []) if line.startswith(OSI)]
    first_line = (metadata.get("License") or "").strip().partition("\n")[0]
    return [{"license": {"name": name}} for name in classifiers or [first_line[:100]] if name]


if __name__ == "__main__":
    print(json.dumps(bill(sys.argv[1]), indent=1, ensure_ascii=False))
