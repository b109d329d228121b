"""Write them all: `python -m dashboards`."""

from pathlib import Path

import msgspec
import yaml

from dashboards import rules
from dashboards.boards import BOARDS, VARIABLES
from dashboards.panel import grafana

HERE = Path(__file__).parent


def files() -> dict[Path, str]:
    """What each file is to hold."""
    made = {}
    for board in BOARDS:
        text = msgspec.json.format(msgspec.json.encode(grafana(board, VARIABLES)), indent=2).decode() + "\n"
        made[HERE / "grafana" / f"{board.uid.removeprefix('cloverleaf-')}.json"] = text
    text = "# Made by `python -m dashboards`.\n" + yaml.safe_dump(rules.groups(), sort_keys=False, width=1000)
    made[HERE / "prometheus" / "rules.yaml"] = text
    return made


if __name__ == "__main__":
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
