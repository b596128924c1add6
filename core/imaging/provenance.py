"""Describe the origin of a picture in its file: who prompted what, which model drew it, and that a machine did."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
NAMESPACES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "threadpaint": "urn:threadpaint:1",
}
for _prefix, _uri in NAMESPACES.items():
    ET.register_namespace(_prefix, _uri)


@dataclass(frozen=True)
class Provenance:
    """Origin of a picture. `page_url`: the page of its creation; empty if the address of the site is unknown."""

    prompt: str
    prompted_by: str
    model: str
    seed: int
    page_url: str = ""

    @property
    def software(self) -> str:
        """Return what created the picture."""
        return f"Threadpaint, {self.model}"

    @property
    def credit(self) -> str:
        """Return who is to be named with the picture."""
        return f"prompted by {self.prompted_by}"


def build_xmp(provenance: Provenance) -> bytes:
    """Return provenance as XMP, with IPTC's fields for AI pictures (2025.1), without characters that XML forbids."""
    root = ET.Element(_name("x", "xmpmeta"))
    about = ET.SubElement(ET.SubElement(root, _name("rdf", "RDF")), _name("rdf", "Description"))
    about.set(_name("rdf", "about"), "")
    for (prefix, tag), text in _simple_fields(provenance).items():
        ET.SubElement(about, _name(prefix, tag)).text = xml_safe(text)
    alt = ET.SubElement(ET.SubElement(about, _name("dc", "description")), _name("rdf", "Alt"))
    line = ET.SubElement(alt, _name("rdf", "li"), {"{http://www.w3.org/XML/1998/namespace}lang": "x-default"})
    line.text = xml_safe(f"{provenance.prompt} ({provenance.credit})")
    body = ET.tostring(root, encoding="unicode")
    return f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{body}<?xpacket end="r"?>'.encode()


def xml_safe(text: str) -> str:
    """Return the text without characters that XML forbids."""
    return "".join(
        c for c in text if c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")
    )


def _simple_fields(provenance: Provenance) -> dict[tuple[str, str], str]:
    fields = {
        ("Iptc4xmpExt", "DigitalSourceType"): SOURCE_TYPE + _source_type(provenance.model),
        ("Iptc4xmpExt", "AIPromptInformation"): provenance.prompt,
        ("Iptc4xmpExt", "AIPromptWriterName"): provenance.prompted_by,
        ("Iptc4xmpExt", "AISystemUsed"): provenance.model,
        ("photoshop", "Credit"): provenance.credit,
        ("xmp", "CreatorTool"): provenance.software,
        ("threadpaint", "seed"): str(provenance.seed),
    }
    return fields | ({("dc", "identifier"): provenance.page_url} if provenance.page_url else {})


def _source_type(model: str) -> str:
    """Return the IPTC source type. The sketch engine is no trained model."""
    return "algorithmicMedia" if model == "sketch" else "trainedAlgorithmicMedia"


def _name(prefix: str, tag: str) -> str:
    return f"{{{NAMESPACES[prefix]}}}{tag}"
