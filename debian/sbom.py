#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""sbom.py BUILDINFO: the bill of materials of the packages that a .buildinfo names, as SPDX 2.3 JSON on standard output:
each package with its hash, what it needs to run, and every package with its exact version that it was built with. The same
.buildinfo gives the same bytes."""
import email.utils
import hashlib
import json
import os
import re
import subprocess
import sys


def fields(path):
    """The fields of a .buildinfo, each with its continuation lines."""
    found, name = {}, None
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line[:1] in " \t":
                found[name] += line
            elif ":" in line:
                name, value = line.split(":", 1)
                found[name] = value
    return {k: v.strip() for k, v in found.items()}


def spdx_id(kind, name):
    return f"SPDXRef-{kind}-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def entry(kind, name, version, **more):
    return {
        "SPDXID": spdx_id(kind, name), "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False, "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator": f"pkg:deb/debian/{name}@{version.replace('+', '%2B')}"}], **more}


def field_of_deb(path, name):
    return subprocess.run(["dpkg-deb", "-f", path, name], check=True, capture_output=True, text=True).stdout.strip()


def main():
    path = sys.argv[1]
    info = fields(path)
    packages, relations, described = {}, [], []
    for line in info["Checksums-Sha256"].splitlines():
        if not line.split() or not line.split()[-1].endswith(".deb"):
            continue
        digest, _, file = line.split()
        deb = os.path.join(os.path.dirname(path), file)
        name = field_of_deb(deb, "Package")
        made = entry("Package", name, field_of_deb(deb, "Version"), packageFileName=file,
                     checksums=[{"algorithm": "SHA256", "checksumValue": digest}])
        packages[made["SPDXID"]] = made
        described.append(made["SPDXID"])
        for needed in re.findall(r"(?:^|,)\s*([a-z0-9.+-]+)[^,|]*", field_of_deb(deb, "Depends")):
            relations.append((made["SPDXID"], "DEPENDS_ON", needed))
    built_with = dict(re.findall(r"([a-z0-9.+-]+)(?::\w+)? \(= ([^)]+)\)", info["Installed-Build-Depends"]))
    own = {p["name"] for p in packages.values()}
    relationships = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": d}
                     for d in described]
    for source, kind, needed in relations:
        target = spdx_id("Package" if needed in own else "Built-with" if needed in built_with else "Needed", needed)
        if target.startswith("SPDXRef-Needed"):
            packages.setdefault(target, entry("Needed", needed, "any"))
        relationships.append({"spdxElementId": source, "relationshipType": kind, "relatedSpdxElement": target})
    for name, version in built_with.items():
        made = entry("Built-with", name, version)
        packages[made["SPDXID"]] = made
        relationships += [{"spdxElementId": made["SPDXID"], "relationshipType": "BUILD_DEPENDENCY_OF",
                           "relatedSpdxElement": d} for d in described]
    listed = [packages[k] for k in sorted(packages)]
    digest = hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()
    epoch = re.search(r'SOURCE_DATE_EPOCH="(\d+)"', info.get("Environment", ""))
    created = email.utils.formatdate(0) if not epoch else epoch.group(1)
    created = subprocess.run(["date", "-u", "-d", f"@{created}" if epoch else created, "+%Y-%m-%dT%H:%M:%SZ"], check=True,
                             capture_output=True, text=True).stdout.strip()
    json.dump({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"tmsd-{info['Version']}", "documentNamespace": f"urn:tmsd:sbom:{digest}",
        "creationInfo": {"created": created, "creators": ["Organization: the tmsd authors", "Tool: tmsd-sbom"]},
        "packages": listed,
        "relationships": sorted(relationships, key=lambda r: (r["spdxElementId"], r["relationshipType"],
                                                              r["relatedSpdxElement"])),
    }, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
