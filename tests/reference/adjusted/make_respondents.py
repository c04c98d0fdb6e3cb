"""Respondents for the comparison with R: invented, 20 forces of 1 to 80, status by force."""

from pathlib import Path

import numpy as np
import pandas as pd

random = np.random.default_rng(20190201)
sizes = [80, 55, 40, 33, 30, 28, 25, 22, 20, 18, 15, 12, 10, 8, 6, 4, 3, 2, 1, 1]
force = np.repeat(np.arange(101, 121), sizes)
inspected = (force % 5 != 0) & (force % 3 != 0)
area = random.choice(
    ["custody", "child_protection", "neighbourhood", "other"], len(force), p=[0.15, 0.3, 0.3, 0.25]
)
service = random.choice(["over_5_years", "up_to_5_years"], len(force), p=[0.8, 0.2])
logit = (
    -0.4
    + 0.5 * inspected
    + 0.9 * (area == "child_protection")
    - 0.3 * (service == "up_to_5_years")
    + random.normal(0, 0.3, 20)[force - 101]
)
counted = random.random(len(force)) < 1 / (1 + np.exp(-logit))
frame = pd.DataFrame(
    {
        "force": force,
        "status": np.where(inspected, "inspected", "uninspected"),
        "area": area,
        "service": service,
        "counted": counted.astype(int),
    }
)
frame.to_csv(Path(__file__).with_name("respondents.csv"), index=False, lineterminator="\n")
