"""The table of rules, row by row; and a row for every known agent and network."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.feedback.address import kept
from relay.feedback.agents import AGENTS, OWNERS, agent_of, network_of
from relay.feedback.classify import MANY, RULES, SECOND, Circumstances, classify
from relay.model.fetch import Verdict
from relay.model.token import TokenKind

HUMAN, PROXY, SCANNER = Verdict.HUMAN, Verdict.PROXY, Verdict.SCANNER
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
OPEN = Circumstances(TokenKind.OPEN, "GET", CHROME)
CLICK = Circumstances(TokenKind.CLICK, "GET", CHROME, links=5, links_at_once=1)

SEEN = {
    # a User-Agent as it is sent: (words of the row in AGENTS that it falls under, the verdict on a pixel)
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)": (
        "googleimageproxy",
        PROXY,
    ),
    "Mozilla/5.0 (via ggpht.com)": ("ggpht.com", PROXY),
    "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html": ("yahoomailproxy", PROXY),
    "YahooCacheSystem; YahooWebServiceClient": ("yahoocachesystem", PROXY),
    "OutlookImageProxy": ("outlookimageproxy", PROXY),
    "Mail.Ru image proxy": ("mail.ru image proxy", PROXY),
    "Mozilla/5.0 (compatible; YandexImageResizer/2.0; +http://yandex.com/bots)": ("yandeximageresizer", PROXY),
    "Feedly/1.0 (+http://www.feedly.com/fetcher.html)": ("feedly", PROXY),
    "Microsoft Office Existence Discovery": ("microsoft office existence discovery", SCANNER),
    "Microsoft Office Protocol Discovery": ("microsoft office protocol discovery", SCANNER),
    "Microsoft-WebDAV-MiniRedir/10.0.19045": ("microsoft-webdav-miniredir", SCANNER),
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5": ("skypeuripreview", SCANNER),
    CHROME + " BingPreview/1.0b": ("bingpreview", SCANNER),
    "Mozilla/5.0 SafeLinks": ("safelinks", SCANNER),
    "Barracuda Sentinel (EE)": ("barracuda", SCANNER),
    "Mozilla/5.0 (compatible; Mimecast/1.0)": ("mimecast", SCANNER),
    "Mozilla/5.0 (compatible; Proofpoint URL)": ("proofpoint", SCANNER),
    "URLDefense/2.0": ("urldefense", SCANNER),
    "MessageLabs link checker": ("messagelabs", SCANNER),
    "Symantec.cloud link following": ("symantec", SCANNER),
    "CiscoSecureEmail/15.0": ("ciscosecureemail", SCANNER),
    "Cisco IronPort": ("ironport", SCANNER),
    "TrendMicro Web Reputation": ("trendmicro", SCANNER),
    "TMES/3.0": ("tmes", SCANNER),
    "FireEye ETP": ("fireeye", SCANNER),
    "Forcepoint Email": ("forcepoint", SCANNER),
    "Fortinet FortiMail": ("fortinet", SCANNER),
    "FortiGuard": ("fortiguard", SCANNER),
    "SophosLabs": ("sophos", SCANNER),
    "Mozilla/5.0 Zscaler": ("zscaler", SCANNER),
    "Bitdefender Web Scan": ("bitdefender", SCANNER),
    "Kaspersky Secure Mail": ("kaspersky", SCANNER),
    "Avanan-Link": ("avanan", SCANNER),
    "Hornetsecurity ATP": ("hornetsecurity", SCANNER),
    "Cloudmark": ("cloudmark", SCANNER),
    "VadeSecure": ("vadesecure", SCANNER),
    "SpamTitan": ("spamtitan", SCANNER),
    "urlscan.io/1.0": ("urlscan", SCANNER),
    "VirusTotalCloud": ("virustotal", SCANNER),
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)": ("slackbot", SCANNER),
    "WhatsApp/2.23.20.0": ("whatsapp/", SCANNER),
    "facebookexternalhit/1.1": ("facebookexternalhit", SCANNER),
    CHROME.replace("Chrome", "HeadlessChrome"): ("headlesschrome", SCANNER),
    "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 PhantomJS/2.1.1": ("phantomjs", SCANNER),
    "python-requests/2.32.3": ("python-requests", SCANNER),
    "Python-urllib/3.11": ("python-urllib", SCANNER),
    "Python/3.11 aiohttp/3.9.1": ("aiohttp", SCANNER),
    "Go-http-client/2.0": ("go-http-client", SCANNER),
    "okhttp/4.12.0": ("okhttp", SCANNER),
    "Java/17.0.9": ("java/", SCANNER),
    "Apache-HttpClient/4.5.14 (x)": ("apache-httpclient", SCANNER),
    "libwww-perl/6.72": ("libwww-perl", SCANNER),
    "GuzzleHttp/7": ("guzzlehttp", SCANNER),
    "node-fetch/1.0": ("node-fetch", SCANNER),
    "axios/1.7.7": ("axios/", SCANNER),
    "curl/8.5.0": ("curl/", SCANNER),
    "Wget/1.21.4": ("wget/", SCANNER),
    "Mozilla/5.0 (compatible; Googlebot/2.1)": ("bot/", SCANNER),
    "Mozilla/5.0 (compatible; SomeBot; +https://x.example)": ("bot;", SCANNER),
    "some-crawler": ("crawler", SCANNER),
    "Baiduspider": ("spider", SCANNER),
    "Acme Mail Scanner 2": ("scanner", SCANNER),
}

PEOPLE = [
    CHROME,
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0",
    "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
    "Outlook-iOS/724.4356110.prod.iphone (4.24.0)",
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36",
]


@pytest.mark.parametrize("user_agent", SEEN)
def test_a_known_agent_is_known(user_agent: str):
    words, verdict = SEEN[user_agent]
    agent = agent_of(user_agent)
    assert agent is not None
    assert agent.words == words
    opinion = classify(replace(OPEN, user_agent=user_agent))
    assert opinion.verdict is verdict
    assert agent.name in opinion.reason
    assert classify(replace(CLICK, user_agent=user_agent)).verdict is SCANNER


def test_every_row_of_the_table_has_an_agent_that_was_seen():
    assert {words for words, _ in SEEN.values()} == {agent.words for agent in AGENTS}


@pytest.mark.parametrize("user_agent", PEOPLE)
def test_programs_of_people_are_not_suspected(user_agent: str):
    assert classify(replace(OPEN, user_agent=user_agent)).verdict is HUMAN
    assert classify(replace(CLICK, user_agent=user_agent)).verdict is HUMAN


@pytest.mark.parametrize(
    ("address", "name", "on_pixel"),
    [
        ("17.58.1.2", "Apple", PROXY),
        ("2620:149:af0::10", "Apple", PROXY),
        ("66.249.84.3", "Google", PROXY),
        ("::ffff:74.125.210.1", "Google", PROXY),
        ("40.94.20.1", "", HUMAN),
        ("40.107.5.5", "Microsoft Exchange Online Protection", SCANNER),
        ("209.222.82.9", "Barracuda", SCANNER),
        ("205.139.111.4", "Mimecast", SCANNER),
        ("67.231.149.1", "Proofpoint", SCANNER),
        ("216.82.251.1", "Symantec Email Security", SCANNER),
        ("192.0.2.1", "", HUMAN),
        ("unknown", "", HUMAN),
    ],
)
def test_a_known_network_is_known(address: str, name: str, on_pixel: Verdict):
    assert network_of(address) == name
    opinion = classify(replace(OPEN, network=name))
    assert opinion.verdict is on_pixel
    assert name in opinion.reason
    assert classify(replace(CLICK, network=name)).verdict is (SCANNER if name else HUMAN)


def test_what_is_kept_of_a_truncated_address_still_tells_the_network():
    for owner in OWNERS:
        for network in owner.networks:
            assert network_of(kept(str(network[-1]), "truncated")) == owner.name


@pytest.mark.parametrize(
    ("fetch", "verdict", "words"),
    [
        (OPEN, HUMAN, "nothing speaks against"),
        (CLICK, HUMAN, "nothing speaks against"),
        (replace(OPEN, method="HEAD"), SCANNER, "HEAD"),
        (replace(OPEN, signals=(("Sec-Purpose", "prefetch;prerender"),)), PROXY, "Sec-Purpose"),
        (replace(CLICK, signals=(("Purpose", "prefetch"),)), PROXY, "Purpose"),
        (replace(CLICK, signals=(("X-Moz", "Prefetch"),)), PROXY, "X-Moz"),
        (replace(CLICK, signals=(("X-Purpose", "preview"),)), PROXY, "X-Purpose"),
        (replace(CLICK, signals=(("Purpose", "something"),)), HUMAN, "nothing"),
        (replace(OPEN, user_agent="Mozilla/5.0"), PROXY, "Apple Mail Privacy Protection"),
        (replace(CLICK, user_agent="Mozilla/5.0"), SCANNER, "says not what it is"),
        (replace(OPEN, user_agent=""), SCANNER, "says not what it is"),
        (replace(CLICK, kind=TokenKind.HONEYPOT), SCANNER, "no person can see"),
        (replace(CLICK, is_near_trap=True), SCANNER, "at the same time"),
        (replace(OPEN, is_near_trap=True), SCANNER, "at the same time"),
        (replace(CLICK, links_at_once=2), HUMAN, "nothing"),
        (replace(CLICK, links_at_once=MANY), SCANNER, "3 or more links"),
        (replace(CLICK, links=2, links_at_once=2), SCANNER, "every link"),
        (replace(CLICK, links=1, links_at_once=1), HUMAN, "nothing"),
        (replace(CLICK, since_sent=5 * SECOND - 1), SCANNER, "within 5 seconds of sending"),
        (replace(CLICK, since_sent=5 * SECOND), HUMAN, "nothing"),
        (replace(OPEN, since_sent=2 * SECOND - 1), SCANNER, "within 2 seconds of sending"),
        (replace(OPEN, since_sent=2 * SECOND), HUMAN, "nothing"),
        (replace(CLICK, kind=TokenKind.UNSUBSCRIBE), HUMAN, "nothing"),
        (replace(CLICK, kind=TokenKind.UNSUBSCRIBE, method="POST", user_agent=""), HUMAN, "RFC 8058"),
        (replace(OPEN, method="POST"), HUMAN, "nothing"),
    ],
)
def test_each_rule_says_what_and_why(fetch: Circumstances, verdict: Verdict, words: str):
    opinion = classify(fetch)
    assert opinion.verdict is verdict
    assert words in opinion.reason


def test_each_rule_is_silent_where_nothing_speaks():
    assert [rule(OPEN) for rule in RULES] == [None] * len(RULES)
