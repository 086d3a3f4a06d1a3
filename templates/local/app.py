"""Numbers are taken apart in another process of this machine."""

from hyfn import local


@local
def factors(number: int) -> list[int]:
    """The prime factors of `number`, the smallest first."""
    found: list[int] = []
    divisor = 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            found.append(divisor)
            number //= divisor
        divisor += 1
    return [*found, number] if number > 1 else found


if __name__ == "__main__":
    print(list(factors.map([12, 97, 1001])))
