"""Reads a feed as feedparser does, and as RFC 4287 demands; exits with 1 if either finds a fault."""
import sys, time, urllib.parse, urllib.request
import xml.etree.ElementTree as tree

import feedparser

address, entries = sys.argv[1], int(sys.argv[2])
ATOM = "{http://www.w3.org/2005/Atom}"


def once(element, name):
    found = element.findall(ATOM + name)
    assert len(found) == 1, f"{element.tag} has {len(found)} of {name}"
    return found[0]


def judge(element):
    """What section 4.1 asks of feeds and entries alike."""
    assert urllib.parse.urlsplit(once(element, "id").text).scheme in ("http", "https"), "an id is an absolute address"
    assert once(element, "title").text.strip()
    moment = once(element, "updated").text
    assert time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ"), moment
    links = [(link.get("rel"), link.get("type"), link.get("hreflang")) for link in element.findall(ATOM + "link")]
    assert len(set(links)) == len(links) and any(rel == "alternate" for rel, *_ in links)


for language in ("en", "fr", "de", "nl"):
    with urllib.request.urlopen(f"{address}?lang={language}") as answer:
        kind, text = answer.headers["Content-Type"], answer.read()
    root = tree.fromstring(text)
    assert root.tag == ATOM + "feed" and root.get("{http://www.w3.org/XML/1998/namespace}lang") == language
    judge(root)
    assert once(once(root, "author"), "name").text
    assert any(link.get("rel") == "self" for link in root.findall(ATOM + "link"))
    each = root.findall(ATOM + "entry")
    for entry in each:
        judge(entry)
        assert once(entry, "content").text
    ids = [once(element, "id").text for element in [root, *each]]
    assert len(set(ids)) == len(ids) == entries + 1, ids
    assert once(root, "updated").text >= max((once(entry, "updated").text for entry in each), default="")
    read = feedparser.parse(text, response_headers={"content-type": kind})
    assert not read.bozo and read.version == "atom10" and len(read.entries) == entries, read
    assert all(entry.updated_parsed and entry.title and entry.link for entry in read.entries)
print(f"{address}: {entries} entries; {[entry.title for entry in read.entries]}")
