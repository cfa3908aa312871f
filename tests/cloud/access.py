"""The table of docs/aws.md that says what each role may do, as it stands there."""

from pathlib import Path

from infra.rights import ROLES

PAGE = Path(__file__).parents[2] / "docs" / "aws.md"
VERBS = {"L": "list", "R": "read", "W": "write", "D": "delete"}
Cell = tuple[str, str, str, bool]


def places() -> dict[str, dict[str, str]]:
    """By place below the lake: by role, the letters of what it may do."""
    lines = PAGE.read_text("utf-8").splitlines()
    start = lines.index(f"| Place | {' | '.join(ROLES)} |")
    found = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        place, *told = (cell.strip() for cell in line.strip("|").split("|"))
        found[place.strip("`")] = dict(zip(ROLES, told, strict=True))
    return found


def cells(role: str) -> list[Cell]:
    """Give what the page says of a role: place, verb, and whether it may."""
    return [
        (role, place, verb, letter in told[role])
        for place, told in places().items()
        for letter, verb in VERBS.items()
    ]
