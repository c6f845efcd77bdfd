"""mailpit-api, the JavaScript client of Mailpit's API, works with us as it is.

Where NODE_PATH has none, npm installs it into a temporary folder first.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

from relay.archive.api import Archive
from relay.rendition.extract import extract
from tests.peers.house import run
from tests.support.viewer_house import configured, open_house

pytestmark = [
    pytest.mark.peer,
    pytest.mark.xdist_group("peers"),
    pytest.mark.skipif(shutil.which("npm") is None or shutil.which("node") is None, reason="node is not installed"),
]

SCRIPT = """
const { MailpitClient } = require('mailpit-api');
(async () => {
    const client = new MailpitClient(process.argv[2]);
    const said = {};
    const { ID } = await client.sendMessage({
        From: { Email: 'shop@example.com', Name: 'Shop' }, To: [{ Email: 'ann@example.org', Name: 'Ann' }],
        Subject: 'Your code', Text: 'It is 1234.', HTML: '<p>It is <b>1234</b>.</p>', Tags: ['codes'],
        Attachments: [{ Filename: 'a.txt', Content: 'aGk=', ContentType: 'text/plain' }],
    });
    const found = await client.waitForMessage({ query: 'to:ann@example.org subject:code' }, { timeout: 5000 });
    const message = await client.getMessageSummary(ID);
    said.same = found.ID === ID && message.ID === ID;
    said.subject = message.Subject;
    said.html = (await client.renderMessageHTML(ID)).trim();
    said.text = (await client.renderMessageText()).trim();
    said.source = (await client.getMessageSource(ID)).includes('Subject: Your code');
    said.headers = (await client.getMessageHeaders(ID)).From;
    const file = await client.getMessageAttachment(ID, message.Attachments[0].PartID);
    said.file = await file.text();
    await client.setReadStatus({ IDs: [ID], Read: false });
    said.unread = (await client.searchMessages({ query: 'is:unread' })).messages.length;
    await client.setTags({ IDs: [ID], Tags: ['seen'] });
    await client.renameTag('seen', 'done');
    said.tags = await client.getTags();
    await client.releaseMessage(ID, { To: ['bob@example.org'] });
    await client.deleteTag('done');
    said.version = (await client.getInfo()).Version;
    said.label = (await client.getConfiguration()).Label;
    await client.deleteMessages({ IDs: [ID] });
    await client.deleteMessagesBySearch({ query: 'to:nobody@example.org' });
    said.left = (await client.listMessages()).messages.length;
    console.log(JSON.stringify(said));
})().catch((error) => { console.log(error.stack); process.exit(1); });
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client and our script. Left out with npm's own words where it cannot be had."""
    made = tmp_path_factory.mktemp("mailpit-api")
    (made / "package.json").write_text("{}")
    (made / "use.js").write_text(SCRIPT)
    places = filter(None, os.environ.get("NODE_PATH", "").split(os.pathsep))
    if any((Path(place) / "mailpit-api").is_dir() for place in places):
        return made
    try:
        asyncio.run(run("npm", "install", "--no-audit", "--no-fund", "--silent", "mailpit-api", folder=made))
    except (AssertionError, TimeoutError) as error:
        pytest.skip(f"mailpit-api cannot be installed: {error}")
    return made


async def test_the_javascript_client_does_all_that_it_can(folder: Path, tmp_path: Path) -> None:
    async with open_house(configured(tmp_path / "data", upstream=True, mailpit_api="open")) as house:
        indexing = asyncio.create_task(_index(house.archive))
        said = json.loads(await run("node", "use.js", house.url, folder=folder))
        indexing.cancel()
    assert said == {
        "same": True,
        "subject": "Your code",
        "html": "<p>It is <b>1234</b>.</p>",
        "text": "It is 1234.",
        "source": True,
        "headers": ["Shop <shop@example.com>"],
        "file": "hi",
        "unread": 1,
        "tags": ["done"],
        "version": said["version"],
        "label": "Mailwitness",
        "left": 0,
    }


async def _index(archive: Archive) -> None:
    """What the indexer's process does."""
    while True:
        for _, message_id, _ in await archive.unindexed(10):
            await archive.add_summaries([(message_id, extract(await archive.content(message_id)))])
        await archive.wait_for_unindexed(1.0)
