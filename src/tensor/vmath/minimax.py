"""The coefficients of src/tensor/vmath: minimax polynomials by Remez exchange in many digits, then rounded.

Run it with python3 and mpmath; it prints what the sources hold, and the errors in bits.
"""
import struct
from mpmath import mp, mpf, matrix, lu_solve, exp, log, sin, cos, atanh, sqrt, pi

mp.dps = 50


def remez(g, w, a, b, n, rounds=12):
    """The polynomial p of degree n with the least max |w(x) (p(x) - g(x))| over [a, b], and that maximum."""
    a, b = mpf(a), mpf(b)
    m = n + 2
    spread = lambda i, of: (a + b) / 2 - (b - a) / 2 * mp.cos(pi * i / of)
    xs = [spread(i + mpf(1) / 2, m) for i in range(m)]
    for _ in range(rounds):
        lhs, rhs = matrix(m, m), matrix(m, 1)
        for i, x in enumerate(xs):
            for j in range(n + 1):
                lhs[i, j] = x**j
            # where the weight vanishes the error may be anything
            lhs[i, n + 1] = (-1) ** i / (w(x) + mpf(10) ** -15)
            rhs[i] = g(x)
        c = lu_solve(lhs, rhs)
        grid = [spread(mpf(i), 40 * m) for i in range(40 * m + 1)]
        v = [w(x) * (sum(c[j] * x**j for j in range(n + 1)) - g(x)) for x in grid]
        tops = []
        for i, e in enumerate(v):
            if (i == 0 or abs(e) >= abs(v[i - 1])) and (i == len(v) - 1 or abs(e) >= abs(v[i + 1])):
                if tops and (e > 0) == (v[tops[-1]] > 0):
                    if abs(e) > abs(v[tops[-1]]):
                        tops[-1] = i
                else:
                    tops.append(i)
        while len(tops) > m:
            tops.pop(0 if abs(v[tops[0]]) < abs(v[tops[-1]]) else -1)
        if len(tops) < m:
            break
        xs = [grid[i] for i in tops]
    return [c[j] for j in range(n + 1)], max(abs(e) for e in v)


def rounded(v, kind):
    return mpf(float(v)) if kind == "d" else mpf(struct.unpack("f", struct.pack("f", float(v)))[0])


def fit(name, g, w, a, b, n, kind):
    c, least = remez(g, w, a, b, n)
    c = [rounded(v, kind) for v in c]
    xs = [mpf(a) + (mpf(b) - mpf(a)) * (i + mpf(1) / 3) / 2000 for i in range(2000)]
    e = max(abs(w(x) * (sum(c[j] * x**j for j in range(n + 1)) - g(x))) for x in xs)
    print(f"{name}, degree {n}: {mp.nstr(log(least, 2), 5)} bits, rounded {mp.nstr(log(e, 2), 5)}")
    print("  ", ", ".join(repr(float(v)) for v in c))


def near(f, at_zero):
    """f, and its series where f loses its digits."""
    return lambda x: f(x) if abs(x) > mpf(10) ** -7 else at_zero(x)


TINY = mpf(10) ** -12
HALF_LN2 = log(mpf(2)) / 2 * mpf("1.001")
for n, kind in [(4, "s"), (5, "d"), (9, "d")]:
    q = near(lambda x: (exp(x) - 1 - x) / x**2, lambda x: mpf(1) / 2 + x / 6 + x * x / 24)
    fit(f"exp ({kind})", q, lambda x: x * x / exp(x), -HALF_LN2, HALF_LN2, n, kind)

Z = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)) ** 2 * mpf("1.001")
series = near(lambda z: (2 * atanh(sqrt(z)) / sqrt(z) - 2) / z, lambda z: mpf(2) / 3 + 2 * z / 5 + 2 * z * z / 7)
for n, kind in [(2, "s"), (3, "d"), (6, "d")]:
    fit(f"log ({kind})", series, lambda z: z / 2, TINY, Z, n, kind)
rest = near(lambda z: (series(z) - mpf(2) / 3) / z, lambda z: mpf(2) / 5 + 2 * z / 7 + 2 * z * z / 9)
fit("log of pow, after 2/3", rest, lambda z: z * z / 2, TINY, Z, 6, "d")
print("   2/3 lacks", repr(float(mpf(2) / 3 - mpf(2.0 / 3))))

R = (pi / 4 * mpf("1.0005")) ** 2
for n, kind in [(2, "s"), (5, "d")]:
    s = near(lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, lambda z: -mpf(1) / 6 + z / 120)
    fit(f"sin ({kind})", s, lambda z: z * sqrt(z) / sin(sqrt(z)), TINY, R, n, kind)
    c = near(lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2, lambda z: mpf(1) / 24 - z / 720)
    fit(f"cos ({kind})", c, lambda z: z * z / cos(sqrt(z)), TINY, R, n, kind)

for kind in "sd":
    left, pieces = pi / 2, []
    for _ in range(3):
        pieces.append(rounded(left, kind))
        left -= pieces[-1]
    print(f"half pi ({kind}):", ", ".join(repr(float(p)) for p in pieces))
    print(f"ln 2 lacks ({kind}):", repr(float(log(mpf(2)) - rounded(log(mpf(2)), kind))))
