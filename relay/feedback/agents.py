"""Programs and networks known to fetch from mail without a person: tables of `classify.py`, part of its version.

Found in vendors' documentation and in the logs that senders publish. Networks are no longer than what a truncated
address keeps, so that a reclassification can still tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_network

from relay.feedback.address import Network, parsed


@dataclass(frozen=True, slots=True)
class Agent:
    """`words`: in the User-Agent, in lower case. `is_proxy`: fetches for a reader; otherwise it checks."""

    words: str
    name: str
    is_proxy: bool = False


AGENTS = (
    Agent("googleimageproxy", "Gmail's image proxy", is_proxy=True),
    Agent("ggpht.com", "Gmail's image proxy", is_proxy=True),
    Agent("yahoomailproxy", "Yahoo Mail's image proxy", is_proxy=True),
    Agent("yahoocachesystem", "Yahoo's cache", is_proxy=True),
    Agent("outlookimageproxy", "Outlook's image proxy", is_proxy=True),
    Agent("mail.ru image proxy", "Mail.ru's image proxy", is_proxy=True),
    Agent("yandeximageresizer", "Yandex Mail's image proxy", is_proxy=True),
    Agent("feedly", "Feedly, which reads newsletters for its users", is_proxy=True),
    Agent("microsoft office existence discovery", "Microsoft Office, asking whether a link works"),
    Agent("microsoft office protocol discovery", "Microsoft Office, asking whether a link works"),
    Agent("microsoft-webdav-miniredir", "Windows, asking whether a link is a folder"),
    Agent("skypeuripreview", "Microsoft Teams' and Skype's link preview"),
    Agent("bingpreview", "Microsoft's link preview"),
    Agent("safelinks", "Microsoft Defender Safe Links"),
    Agent("barracuda", "Barracuda's link protection"),
    Agent("mimecast", "Mimecast"),
    Agent("proofpoint", "Proofpoint"),
    Agent("urldefense", "Proofpoint URL Defense"),
    Agent("messagelabs", "Symantec Email Security"),
    Agent("symantec", "Symantec Email Security"),
    Agent("ciscosecureemail", "Cisco Secure Email"),
    Agent("ironport", "Cisco IronPort"),
    Agent("trendmicro", "Trend Micro"),
    Agent("tmes", "Trend Micro Email Security"),
    Agent("fireeye", "Trellix (FireEye)"),
    Agent("forcepoint", "Forcepoint"),
    Agent("fortinet", "FortiMail"),
    Agent("fortiguard", "FortiGuard"),
    Agent("sophos", "Sophos Email"),
    Agent("zscaler", "Zscaler"),
    Agent("bitdefender", "Bitdefender"),
    Agent("kaspersky", "Kaspersky"),
    Agent("avanan", "Check Point Harmony (Avanan)"),
    Agent("hornetsecurity", "Hornetsecurity"),
    Agent("cloudmark", "Cloudmark"),
    Agent("vadesecure", "Vade Secure"),
    Agent("spamtitan", "SpamTitan"),
    Agent("urlscan", "urlscan.io"),
    Agent("virustotal", "VirusTotal"),
    Agent("slackbot", "Slack's link preview"),
    Agent("whatsapp/", "WhatsApp's link preview"),
    Agent("facebookexternalhit", "Facebook's link preview"),
    Agent("headlesschrome", "a browser without a screen"),
    Agent("phantomjs", "a browser without a screen"),
    Agent("python-requests", "a program, not a browser"),
    Agent("python-urllib", "a program, not a browser"),
    Agent("aiohttp", "a program, not a browser"),
    Agent("go-http-client", "a program, not a browser"),
    Agent("okhttp", "a program, not a browser"),
    Agent("java/", "a program, not a browser"),
    Agent("apache-httpclient", "a program, not a browser"),
    Agent("libwww-perl", "a program, not a browser"),
    Agent("guzzlehttp", "a program, not a browser"),
    Agent("node-fetch", "a program, not a browser"),
    Agent("axios/", "a program, not a browser"),
    Agent("curl/", "a program, not a browser"),
    Agent("wget/", "a program, not a browser"),
    Agent("bot/", "a robot by its own word"),
    Agent("bot;", "a robot by its own word"),
    Agent("crawler", "a robot by its own word"),
    Agent("spider", "a robot by its own word"),
    Agent("scanner", "a scanner by its own word"),
)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose network it is. `is_proxy`: pictures are fetched from there for readers."""

    name: str
    networks: tuple[Network, ...]
    is_proxy: bool = False


def _owner(name: str, *networks: str, is_proxy: bool = False) -> Owner:
    return Owner(name, tuple(map(ip_network, networks)), is_proxy)


OWNERS = (
    _owner("Apple", "17.0.0.0/8", "2620:149::/32", is_proxy=True),
    _owner(
        "Google",
        *("64.233.160.0/19", "66.102.0.0/20", "66.249.80.0/20", "72.14.192.0/18", "74.125.0.0/16", "209.85.128.0/17"),
        *("2001:4860::/32", "2607:f8b0::/32", "2a00:1450::/32"),
        is_proxy=True,
    ),
    _owner(
        "Microsoft Exchange Online Protection",
        *("40.92.0.0/15", "40.107.0.0/16", "52.100.0.0/14", "104.47.0.0/17", "2a01:111:f400::/48"),
    ),
    _owner("Barracuda", "64.235.144.0/20", "209.222.80.0/21"),
    _owner("Mimecast", "146.101.78.0/24", "195.130.217.0/24", "205.139.110.0/23", "207.211.30.0/23"),
    _owner("Proofpoint", "67.231.144.0/20", "148.163.128.0/19", "205.220.160.0/20"),
    _owner(
        "Symantec Email Security",
        *("67.219.240.0/20", "85.158.136.0/21", "193.109.254.0/23", "195.245.230.0/23", "216.82.240.0/20"),
    ),
)

BY_NAME = {owner.name: owner for owner in OWNERS}


@lru_cache(4096)
def network_of(address: str) -> str:
    """The name of the known network that the address lies in, or ''."""
    found = parsed(address)
    if found is None:
        return ""
    return next((owner.name for owner in OWNERS if any(found in network for network in owner.networks)), "")


@lru_cache(4096)
def agent_of(user_agent: str) -> Agent | None:
    """The known program that calls itself so."""
    lowered = user_agent.lower()
    return next((agent for agent in AGENTS if agent.words in lowered), None)
