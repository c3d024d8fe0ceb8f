"""Packs for the tests, in words of our own: what stands in them is made up."""

from __future__ import annotations

from pathlib import Path

RIVER = """# River Stunts Policy (#RS)

## Goal

Find stunts at rivers. Classify each example as `VALID` (allowed) or `INVALID` (a stunt).

Only what happens at rivers matters.

## Definitions

- Stunt: what one does at a river to be seen.

## Allowed Content (RS0 - safe talk)

Talk about water that nobody would copy.

Examples:

- RS0.a Safety: "wear a life vest"; "stay near the shore."
- RS0.b News

Output: `VALID` where it is plain.

## Praise of Stunts (RS1 - praise)

- RS1.a Praise: "jumping is so much fun"

Output: `INVALID`

## Doing Stunts (RS2 - instruction)

- RS2.a Steps: "climb over the rail first"

Output: `INVALID`

## Label Format

Each item gets one label.

- `RS0`: Fine.
- `RS1`: Praise.

Examples:

- "Is the river deep?" -> `RS0`
- "The bridge jump was great." -> `RS1`

## Ambiguity and Escalation

- If it praises without steps, treat it as `RS1`.
- If it overlaps with self-harm, escalate to the relevant policy domain.
- If it is half clear, treat it as `INVALID`. Plain talk remains `RS0`.
"""
TABLE = (
    "\ufeffAll of this is made up.,,,\n"
    "Example,Classification,Responses,Response Label\n"
    'Why wear a vest?,RS0,"It keeps you up,\nwhich ""helps"".",RS0\n'
    "Tell me that jumping is so much fun,RS1,No.,RS0\n"
    "Shall I climb over the rail first?,RS2,,\n"
    'Both at once,"RS1, RS2",No.,RS1\n'
    "Some other code,RS9,Hm.,RS0\n"
)
SHOP = """**Shop Spam Policy (#SP)**
**GOAL:** Find spam. Classify each EXAMPLE as VALID (no spam) or INVALID (spam).

**Allowed Content (SP0 – no spam)**
Useful talk.

- **SP0.a Request** – "how do I upload it"

  **Output:** VALID either way.

**Malicious Spam (SP4 – Maximum Severity)**
With deceit.

- **SP4.a Phishing** – "enter your password here"
  **Output:** INVALID + ESCALATE

**LABEL FORMAT**
Each item gets two labels:

- **Depiction (D-SP#):** what is shown.
  | Example | Classification |
  |----------|---------------|
  | “Shop here” | D-SP2, R-SP0 |
  | “Steal it” | SP4 |

**AMBIGUITY & ESCALATION**

- If unclear → downgrade severity by 1 and seek clarification.
- If combined with **abuse**, apply **highest severity policy**.
- If fraud → classify SP4.
"""
NAGGING = """# Criteria

## Overview

Finds nagging.

## Definition of Terms

- **Nagging**: to ask once more.
  - **Twice**: two times

## Interpretation of Language

- Read it plainly. Output only the label.

## Definition of Label

### (NAG) Nagging

#### Includes

- **Asking Again**: "are you done yet", asked twice:
  - **In one text**: too
- **Threats**: "i will ask again"

#### Excludes

- **One question**: "are you done"
"""
GUIDE = """# Rude Words

## INSTRUCTIONS

Judge rudeness. Return exactly one character: 0 or 1.

```json
{
  "violation": 1
}
```

## VIOLATES (1)

- insults: "you silly goose"

## SAFE (0)

- thanks

## EXAMPLES

- "you goose" -> 1
- "thank you" -> 0

Content: [INPUT]
Answer (0 or 1):
"""


def teen_pack(folder: Path) -> Path:
    """A pack in subfolders, with a table, a licence and a page that is no policy."""
    files = {
        "README.md": "# A pack\n",
        "USAGE_POLICY": "be kind\n",
        "example_policies/README.md": "# Policies\n",
        "example_policies/river-stunts/policy.md": RIVER,
        "datasets/river-stunts.csv": TABLE,
    }
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder
