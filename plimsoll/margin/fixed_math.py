"""FixedMath in integers: the rounding is in the name. Twin of contracts/libraries/FixedMath.sol.

Python's integers have no width, so what overflows in Solidity does not here; `to_word` of account.py holds the bounds.
"""

from __future__ import annotations

from math import isqrt

WAD = 10**18
BPS = 10**4
PPM = 10**6
YEAR = 365 * 86_400


def mul_div_down(x: int, y: int, d: int) -> int:
    return x * y // d


def mul_div_up(x: int, y: int, d: int) -> int:
    return -(-x * y // d)


def ceil_div(x: int, d: int) -> int:
    return -(-x // d)


def ceil_div_signed(x: int, d: int) -> int:
    """x / d toward +∞."""
    return -(-x // d)


def floor_div_signed(x: int, d: int) -> int:
    """x / d toward −∞."""
    return x // d


def truncate_div(x: int, d: int) -> int:
    """x / d toward zero: Solidity's `/` on signed integers, where Python's `//` would floor."""
    quotient = abs(x) // abs(d)
    return quotient if (x < 0) == (d < 0) else -quotient


def positive(x: int) -> int:
    return max(x, 0)


def sub(x: int, y: int) -> int:
    """x − y of unsigned numbers, which must not pass below zero."""
    if y > x:
        raise OverflowError(f"unsigned subtraction: {x} - {y}")
    return x - y


def sqrt_years(secs: int) -> int:
    """√(seconds / year) in WAD, toward zero."""
    return isqrt(secs * 10**36 // YEAR)


def exp_wad(x: int) -> int:
    """e^x in WAD: the rational approximation of Solady's FixedPointMathLib, digit for digit."""
    if x <= -41446531673892822313:
        return 0
    if x >= 135305999368893231589:
        raise OverflowError(f"exp_wad of {x}")
    x = truncate_div(x << 78, 5**18)
    k = (truncate_div(x << 96, _LN2_96) + 2**95) >> 96
    x -= k * _LN2_96
    y = x + 1346386616545796478920950773328
    y = (y * x >> 96) + 57155421227552351082224309758442
    p = y + x - 94201549194550492254356042504812
    p = (p * y >> 96) + 28719021644029726153956944680412240
    p = p * x + (4385272521454847904659076985693276 << 96)
    q = x - 2855989394907223263936484059900
    q = (q * x >> 96) + 50020603652535783019961831881945
    q = (q * x >> 96) - 533845033583426703283633433725380
    q = (q * x >> 96) + 3604857256930695427073651918091429
    q = (q * x >> 96) - 14423608567350463180887372962807573
    q = (q * x >> 96) + 26449188498355588339934803723976023
    return truncate_div(p, q) * 3822833074963236453042738258902158003155416615667 >> 195 - k


def ln_wad(x: int) -> int:
    """ln(x) in WAD: the rational approximation of Solady's FixedPointMathLib, digit for digit."""
    if x <= 0:
        raise ArithmeticError(f"ln_wad of {x}")
    k = x.bit_length() - 1 - 96
    x = x << 159 - k >> 159
    p = x + 3273285459638523848632254066296
    p = (p * x >> 96) + 24828157081833163892658089445524
    p = (p * x >> 96) + 43456485725739037958740375743393
    p = (p * x >> 96) - 11111509109440967052023855526967
    p = (p * x >> 96) - 45023709667254063763336534515857
    p = (p * x >> 96) - 14706773417378608786704636184526
    p = p * x - (795164235651350426258249787498 << 96)
    q = x + 5573035233440673466300451813936
    q = (q * x >> 96) + 71694874799317883764090561454958
    q = (q * x >> 96) + 283447036172924575727196451306956
    q = (q * x >> 96) + 401686690394027663651624208769553
    q = (q * x >> 96) + 204048457590392012362485061816622
    q = (q * x >> 96) + 31853899698501571402653359427138
    q = (q * x >> 96) + 909429971244387300277376558375
    r = truncate_div(p, q) * 1677202110996718588342820967067443963516166
    r += 16597577552685614221487285958193947469193820559219878177908093499208371 * k
    return r + 600920179829731861736702779321621459595472258049074101567377883020018308 >> 174


_LN2_96 = 54916777467707473351141471128
