"""Due dates are found on Azure, by a function that is async."""

import asyncio
from datetime import date, timedelta

from hyfn import azure


@azure
async def due(sent: date, workdays: int = 14) -> date:
    """The day that is `workdays` Mondays to Fridays after `sent`. Dates travel as dates."""
    day = sent
    while workdays:
        day += timedelta(days=1)
        workdays -= day.weekday() < 5
    return day


if __name__ == "__main__":
    print(asyncio.run(due(date(2025, 2, 28))))
