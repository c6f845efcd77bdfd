"""The page that a bundle opens with: what it is, how to check it, what it proves, and what it does not."""

from __future__ import annotations

README_TEXT = """\
Evidence about outgoing mail
============================
This file was made by Mailwitness, which stands between an organisation's programs and its mail provider, keeps every
message exactly as it came, and writes every fact about it into a log that can only grow. Here are messages, what
became of them, and what is needed to check both without trusting whoever gave you the file.

How to check it
---------------
    python3 verify.py EVIDENCE.zip --key 'KEY'

It needs Python 3.11 and the package "cryptography", and no network. KEY is the public key of the log. The file log.vkey
in here has one too, but a forger would have put in the forger's own: get KEY another way, from the organisation's web
site, an earlier bundle, a contract or a witness. Better still, run a verify.py that you got elsewhere: it is a small
public program. It says of each thing whether it holds, does not hold, or cannot be known. Exit status: 0 nothing is
wrong, 65 something is, 64 it was called wrongly.

What is in it
-------------
manifest.json, manifest.note   every file with its SHA-256, and the signature over that list
log.vkey, policy, checkpoint   public keys of the log, who must have signed it, and its signed state
timestamps/SIZE/               RFC 3161 timestamps over a checkpoint of SIZE facts, and that the log grew from there
messages/ID/original.eml       the message as the program handed it over, octet for octet
            envelope.json      who handed it over, when, from where, for whom
            leaves.jsonl       the facts in the log: what was hashed, and what opens the commitments
            proofs/            for each fact, the proof that it is in the log (c2sp.org/tlog-proof)
            smtp.jsonl         every attempt to send it, with the whole reply of the other server
            tls.json           how each of those connections was encrypted
            transforms.json    what was changed on the way; original + changes = what was sent
            sent/              what was sent, octet for octet
            dkim/keys.jsonl    the public keys of its signatures, as they were when it was sent
            events/            reports of the provider, exactly as they came, and how we authenticated them
            audit.jsonl        what people did with the record: viewed, exported, sent again, deleted

What it proves, if the check holds and the key is the log's
------------------------------------------------------------
- The log's operator committed to each fact in here at the latest when the checkpoint was signed, and cannot deny,
  change or remove it without the log contradicting itself.
- The message, its envelope and what was sent are those that the facts speak of.
- With timestamps or witnesses: somebody else saw the log with these facts in it at the time they say.
- The reply of the provider's server is what the operator wrote down when it came.

What it does NOT prove
----------------------
- That anybody read the message, or that it was in an inbox rather than in a spam folder. "sent" means that the next
  server took responsibility; "delivered" means that somebody reported so; "opened" means that a picture was fetched.
- Who really wrote it. The sender's legal identity is not known; the program's name and credentials are.
- That the facts were true when they were written down. The log shows that they were not changed afterwards.
- Anything about the time before the first checkpoint, timestamp or witness that covers a fact, except on the operator's
  word. Clock times in facts are those of the operator's computer.
- Whether and when an imported message was sent: one whose first fact is "imported" was taken over from elsewhere, not
  witnessed. From that moment on it was not changed; its sender, recipients and date are what the source claimed.
- That there are no further facts. Every message in here comes with those that its organisation put in.
- Reports of grade D: they were authenticated with a shared secret or not at all. Whoever knows the secret, the operator
  included, could have made them. Those of grade C were signed by the provider; E are guesses.
- Facts that say "erased": who they were about was deleted. That they happened, and when, still stands in the log.
"""
