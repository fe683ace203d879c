//! Texts that Torch7 gave.
use super::*;
use std::f64::consts::PI;

/// Values; their text as a vector, as a row, as a vector of floats. The text ends before the last line.
#[rustfmt::skip]
const VALUES: &[(&[f64], &str, &str, &str)] = &[
    // zero
    (&[0.0], " 0\n", " 0\n", " 0\n"),
    // minus zero
    (&[-0.0], " 0\n", " 0\n", " 0\n"),
    // ones
    (&[1.0, -1.0], " 1\n-1\n", " 1 -1\n", " 1\n-1\n"),
    // nine digits
    (&[123456789.0, -1.0], " 123456789\n        -1\n", " 123456789         -1\n", " 123456792\n        -1\n"),
    // ten digits
    (&[1234567890.0, 1.0], " 1.2346e+09\n 1.0000e+00\n", " 1.2346e+09  1.0000e+00\n", " 1.2346e+09\n 1.0000e+00\n"),
    // large whole numbers
    (&[1e15, -2e10, 3.0], " 1.0000e+15\n-2.0000e+10\n 3.0000e+00\n", " 1.0000e+15 -2.0000e+10  3.0000e+00\n", " 1.0000e+15\n-2.0000e+10\n 3.0000e+00\n"),
    // a half
    (&[0.5], " 0.5000\n", " 0.5000\n", " 0.5000\n"),
    // hundredths
    (&[0.01, 0.05], "0.01 *\n 1.0000\n 5.0000\n", "0.01 *\n  1.0000  5.0000\n", "0.01 *\n 1.0000\n 5.0000\n"),
    // thousandths
    (&[0.001, 0.0025], "0.001 *\n 1.0000\n 2.5000\n", "0.001 *\n  1.0000  2.5000\n", "0.001 *\n 1.0000\n 2.5000\n"),
    // below one and zero
    (&[0.0, 0.25, 0.75], " 0.0000\n 0.2500\n 0.7500\n", " 0.0000  0.2500  0.7500\n", " 0.0000\n 0.2500\n 0.7500\n"),
    // tenths and ones
    (&[0.1, 1.5, 9.99999], " 0.1000\n 1.5000\n10.0000\n", " 0.1000  1.5000 10.0000\n", " 0.1000\n 1.5000\n10.0000\n"),
    // rounding up
    (&[9.99996, 0.99996], "10.0000\n 1.0000\n", "10.0000  1.0000\n", "10.0000\n 1.0000\n"),
    // four orders apart
    (&[0.0001, 1.5], " 0.0001\n 1.5000\n", " 0.0001  1.5000\n", " 1.0000e-04\n 1.5000e+00\n"),
    // five orders apart
    (&[0.00001, 1.5], " 1.0000e-05\n 1.5000e+00\n", " 1.0000e-05  1.5000e+00\n", " 1.0000e-05\n 1.5000e+00\n"),
    // tiny
    (&[1e-10, 2.5e-10], "1e-10 *\n 1.0000\n 2.5000\n", "1e-10 *\n  1.0000  2.5000\n", "1e-10 *\n 1.0000\n 2.5000\n"),
    // tiny and large
    (&[1e-10, 1e10], " 1.0000e-10\n 1.0000e+10\n", " 1.0000e-10  1.0000e+10\n", " 1.0000e-10\n 1.0000e+10\n"),
    // ten thousands
    (&[12345.678, 99999.5], " 12345.6780\n 99999.5000\n", " 12345.6780  99999.5000\n", " 12345.6777\n 99999.5000\n"),
    // hundred thousands
    (&[123456.789, 999999.5], "100000 *\n 1.2346\n10.0000\n", "100000 *\n  1.2346 10.0000\n", "100000 *\n 1.2346\n10.0000\n"),
    // millions
    (&[1234567.5, 7654321.0], "1e+06 *\n 1.2346\n 7.6543\n", "1e+06 *\n  1.2346  7.6543\n", "1e+06 *\n 1.2346\n 7.6543\n"),
    // three digit exponents
    (&[1e-150, 1.5], " 1.0000e-150\n  1.5000e+00\n", " 1.0000e-150   1.5000e+00\n", " 0.0000\n 1.5000\n"),
    // largest
    (&[1e300, 1.5e300], "1.0000e+300\n1.5000e+300\n", "1.0000e+300 1.5000e+300\n", "        inf\n        inf\n"),
    // large fractions apart
    (&[1e8, 0.5], " 1.0000e+08\n 5.0000e-01\n", " 1.0000e+08  5.0000e-01\n", " 1.0000e+08\n 5.0000e-01\n"),
    // nan
    (&[f64::NAN], "nan\n", "nan\n", "nan\n"),
    // nan and whole numbers
    (&[f64::NAN, 1.0, 20.0], "nan\n1.000000\n20.000000\n", "nan 1.000000 20.000000\n", "nan\n1.000000\n20.000000\n"),
    // nan and fractions
    (&[1.5, f64::NAN, -2.25], "1.500000\nnan\n-2.250000\n", "1.500000 nan -2.250000\n", "1.500000\nnan\n-2.250000\n"),
    // inf
    (&[f64::INFINITY, 1.0], "        inf\n 1.0000e+00\n", "        inf  1.0000e+00\n", "        inf\n 1.0000e+00\n"),
    // minus inf and fractions
    (&[f64::NEG_INFINITY, 2.5], "        -inf\n  2.5000e+00\n", "        -inf   2.5000e+00\n", "        -inf\n  2.5000e+00\n"),
    // inf, nan
    (&[f64::INFINITY, f64::NEG_INFINITY, f64::NAN], "inf\n-inf\nnan\n", "inf -inf nan\n", "inf\n-inf\nnan\n"),
    // a single large fraction
    (&[123456.5], "100000 *\n 1.2346\n", "100000 *\n  1.2346\n", "100000 *\n 1.2346\n"),
    // negative fractions
    (&[-0.001, -0.01], "0.01 *\n-0.1000\n-1.0000\n", "0.01 *\n -0.1000 -1.0000\n", "0.001 *\n-1.0000\n-10.0000\n"),
    // third
    (&[1.0/3.0, 2.0/3.0, 1.0], " 0.3333\n 0.6667\n 1.0000\n", " 0.3333  0.6667  1.0000\n", " 0.3333\n 0.6667\n 1.0000\n"),
    // pi times powers
    (&[PI, PI * 10.0, PI * 100.0, PI * 1000.0], "    3.1416\n   31.4159\n  314.1593\n 3141.5927\n", "    3.1416    31.4159   314.1593  3141.5927\n", "    3.1416\n   31.4159\n  314.1593\n 3141.5928\n"),
];

/// Sizes; the value of an element from its number, from 1; the text.
#[rustfmt::skip]
type Shape = (&'static [usize], fn(f64) -> f64, &'static str);
const SHAPES: &[Shape] = &[
    // columns: whole numbers over several blocks
    (
        &[2, 45],
        |i| i,
        "Columns 1 to 20\n  1   2   3   4   5   6   7   8   9  10  11  12  13  14  15  16  17  18  19  20\n 46  47  48  49  50  51  52  53  54  55  56  57  58  59  60  61  62  63  64  65\n\nColumns 21 to 40\n 21  22  23  24  25  26  27  28  29  30  31  32  33  34  35  36  37  38  39  40\n 66  67  68  69  70  71  72  73  74  75  76  77  78  79  80  81  82  83  84  85\n\nColumns 41 to 45\n 41  42  43  44  45\n 86  87  88  89  90\n[torch.DoubleTensor of size 2x45]\n",
    ),
    // columns: just enough and one more
    (
        &[1, 26],
        |_| 0.0,
        " 0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0\n[torch.DoubleTensor of size 1x26]\n",
    ),
    // columns: just enough and one more
    (
        &[1, 27],
        |_| 0.0,
        "Columns 1 to 26\n 0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0\n\nColumns 27 to 27\n 0\n[torch.DoubleTensor of size 1x27]\n",
    ),
    // columns: just enough and one more
    (
        &[2, 40],
        |_| 100.0,
        "Columns 1 to 16\n 100  100  100  100  100  100  100  100  100  100  100  100  100  100  100  100\n 100  100  100  100  100  100  100  100  100  100  100  100  100  100  100  100\n\nColumns 17 to 32\n 100  100  100  100  100  100  100  100  100  100  100  100  100  100  100  100\n 100  100  100  100  100  100  100  100  100  100  100  100  100  100  100  100\n\nColumns 33 to 40\n 100  100  100  100  100  100  100  100\n 100  100  100  100  100  100  100  100\n[torch.DoubleTensor of size 2x40]\n",
    ),
    // columns: fractions
    (
        &[2, 20],
        |i| i / 7.0,
        "Columns 1 to 10\n 0.1429  0.2857  0.4286  0.5714  0.7143  0.8571  1.0000  1.1429  1.2857  1.4286\n 3.0000  3.1429  3.2857  3.4286  3.5714  3.7143  3.8571  4.0000  4.1429  4.2857\n\nColumns 11 to 20\n 1.5714  1.7143  1.8571  2.0000  2.1429  2.2857  2.4286  2.5714  2.7143  2.8571\n 4.4286  4.5714  4.7143  4.8571  5.0000  5.1429  5.2857  5.4286  5.5714  5.7143\n[torch.DoubleTensor of size 2x20]\n",
    ),
    // columns: with a scale
    (
        &[2, 18],
        |i| i * 123456.7,
        "Columns 1 to 10\n1e+06 *\n  0.1235  0.2469  0.3704  0.4938  0.6173  0.7407  0.8642  0.9877  1.1111  1.2346\n  2.3457  2.4691  2.5926  2.7160  2.8395  2.9630  3.0864  3.2099  3.3333  3.4568\n\nColumns 11 to 18\n1e+06 *\n  1.3580  1.4815  1.6049  1.7284  1.8519  1.9753  2.0988  2.2222\n  3.5802  3.7037  3.8272  3.9506  4.0741  4.1975  4.3210  4.4444\n[torch.DoubleTensor of size 2x18]\n",
    ),
    // columns: with a small scale
    (
        &[3, 4],
        |i| i / 1000.0,
        "0.01 *\n  0.1000  0.2000  0.3000  0.4000\n  0.5000  0.6000  0.7000  0.8000\n  0.9000  1.0000  1.1000  1.2000\n[torch.DoubleTensor of size 3x4]\n",
    ),
    // columns: with exponents
    (
        &[2, 10],
        |i| i.powi(10),
        "Columns 1 to 6\n 1.0000e+00  1.0240e+03  5.9049e+04  1.0486e+06  9.7656e+06  6.0466e+07\n 2.5937e+10  6.1917e+10  1.3786e+11  2.8925e+11  5.7665e+11  1.0995e+12\n\nColumns 7 to 10\n 2.8248e+08  1.0737e+09  3.4868e+09  1.0000e+10\n 2.0160e+12  3.5705e+12  6.1311e+12  1.0240e+13\n[torch.DoubleTensor of size 2x10]\n",
    ),
    // columns: with exponents
    (
        &[2, 8],
        |i| (-i).exp(),
        "Columns 1 to 6\n 3.6788e-01  1.3534e-01  4.9787e-02  1.8316e-02  6.7379e-03  2.4788e-03\n 1.2341e-04  4.5400e-05  1.6702e-05  6.1442e-06  2.2603e-06  8.3153e-07\n\nColumns 7 to 8\n 9.1188e-04  3.3546e-04\n 3.0590e-07  1.1254e-07\n[torch.DoubleTensor of size 2x8]\n",
    ),
    // columns: three dimensions over several blocks
    (
        &[2, 2, 30],
        |i| i,
        "(1,.,.) = \n Columns 1 to 15\n    1    2    3    4    5    6    7    8    9   10   11   12   13   14   15\n   31   32   33   34   35   36   37   38   39   40   41   42   43   44   45\n\nColumns 16 to 30\n   16   17   18   19   20   21   22   23   24   25   26   27   28   29   30\n   46   47   48   49   50   51   52   53   54   55   56   57   58   59   60\n\n(2,.,.) = \n Columns 1 to 15\n   61   62   63   64   65   66   67   68   69   70   71   72   73   74   75\n   91   92   93   94   95   96   97   98   99  100  101  102  103  104  105\n\nColumns 16 to 30\n   76   77   78   79   80   81   82   83   84   85   86   87   88   89   90\n  106  107  108  109  110  111  112  113  114  115  116  117  118  119  120\n[torch.DoubleTensor of size 2x2x30]\n",
    ),
    // columns: three dimensions over several blocks
    (
        &[2, 1, 30],
        |i| i / 3.0,
        "(1,.,.) = \n Columns 1 to 8\n   0.3333   0.6667   1.0000   1.3333   1.6667   2.0000   2.3333   2.6667\n\nColumns 9 to 16\n   3.0000   3.3333   3.6667   4.0000   4.3333   4.6667   5.0000   5.3333\n\nColumns 17 to 24\n   5.6667   6.0000   6.3333   6.6667   7.0000   7.3333   7.6667   8.0000\n\nColumns 25 to 30\n   8.3333   8.6667   9.0000   9.3333   9.6667  10.0000\n\n(2,.,.) = \n Columns 1 to 8\n  10.3333  10.6667  11.0000  11.3333  11.6667  12.0000  12.3333  12.6667\n\nColumns 9 to 16\n  13.0000  13.3333  13.6667  14.0000  14.3333  14.6667  15.0000  15.3333\n\nColumns 17 to 24\n  15.6667  16.0000  16.3333  16.6667  17.0000  17.3333  17.6667  18.0000\n\nColumns 25 to 30\n  18.3333  18.6667  19.0000  19.3333  19.6667  20.0000\n[torch.DoubleTensor of size 2x1x30]\n",
    ),
    // columns: one row, one column
    (&[3, 1], |i| i, " 1\n 2\n 3\n[torch.DoubleTensor of size 3x1]\n"),
    // dimensions: three with a scale
    (
        &[2, 2, 2],
        |i| i * (1e6 + 0.5),
        "(1,.,.) = \n 1e+06 *\n   1.0000  2.0000\n   3.0000  4.0000\n\n(2,.,.) = \n 1e+06 *\n   5.0000  6.0000\n   7.0000  8.0000\n[torch.DoubleTensor of size 2x2x2]\n",
    ),
    // dimensions: three with a scale
    (
        &[2, 2, 2],
        |i| i / 1e4,
        "(1,.,.) = \n 0.0001 *\n   1.0000  2.0000\n   3.0000  4.0000\n\n(2,.,.) = \n 0.0001 *\n   5.0000  6.0000\n   7.0000  8.0000\n[torch.DoubleTensor of size 2x2x2]\n",
    ),
    // dimensions: four
    (
        &[2, 2, 2, 2],
        |i| i,
        "(1,1,.,.) = \n   1   2\n   3   4\n\n(2,1,.,.) = \n   9  10\n  11  12\n\n(1,2,.,.) = \n   5   6\n   7   8\n\n(2,2,.,.) = \n  13  14\n  15  16\n[torch.DoubleTensor of size 2x2x2x2]\n",
    ),
    // dimensions: four
    (
        &[1, 3, 1, 2],
        |i| i / 4.0,
        "(1,1,.,.) = \n  0.2500  0.5000\n\n(1,2,.,.) = \n  0.7500  1.0000\n\n(1,3,.,.) = \n  1.2500  1.5000\n[torch.DoubleTensor of size 1x3x1x2]\n",
    ),
    // dimensions: five
    (
        &[2, 1, 2, 2, 1],
        |i| i,
        "(1,1,1,.,.) = \n  1\n  2\n\n(2,1,1,.,.) = \n  5\n  6\n\n(1,1,2,.,.) = \n  3\n  4\n\n(2,1,2,.,.) = \n  7\n  8\n[torch.DoubleTensor of size 2x1x2x2x1]\n",
    ),
    // dimensions: ones
    (&[1], |i| i, " 1\n[torch.DoubleTensor of size 1]\n"),
    // dimensions: ones
    (&[1, 1, 1, 1], |i| i, "(1,1,.,.) = \n  1\n[torch.DoubleTensor of size 1x1x1x1]\n"),
    // dimensions: the format is of the whole tensor
    (
        &[2, 2, 2],
        |i| if i == 5.0 { 1000.0 } else { 0.0 },
        "(1,.,.) = \n     0     0\n     0     0\n\n(2,.,.) = \n  1000     0\n     0     0\n[torch.DoubleTensor of size 2x2x2]\n",
    ),
    // dimensions: the format is of the whole tensor
    (
        &[2, 2, 2],
        |i| if i == 4.0 { 0.5 } else { 1.0 },
        "(1,.,.) = \n  1.0000  1.0000\n  1.0000  0.5000\n\n(2,.,.) = \n  1.0000  1.0000\n  1.0000  1.0000\n[torch.DoubleTensor of size 2x2x2]\n",
    ),
    // Double: fractions
    (
        &[2, 2],
        |i| [0.125, 10.5, -100.75, 1000.0][i as usize - 1],
        "    0.1250    10.5000\n -100.7500  1000.0000\n[torch.DoubleTensor of size 2x2]\n",
    ),
    // Double: negative whole numbers
    (&[2, 2], |i| [-100.0, 2.0, 3.0, 4.0][i as usize - 1], "-100    2\n   3    4\n[torch.DoubleTensor of size 2x2]\n"),
];

fn text_of(sizes: &[usize], values: &[f64]) -> String {
    format_tensor(sizes, &|i| values[i], "torch.DoubleTensor")
}

#[test]
fn formats_of_values() {
    for (values, vector, row, floats) in VALUES {
        let n = values.len();
        assert_eq!(text_of(&[n], values), format!("{vector}[torch.DoubleTensor of size {n}]\n"));
        assert_eq!(text_of(&[1, n], values), format!("{row}[torch.DoubleTensor of size 1x{n}]\n"));
        let storage = format_storage(n, &|i| values[i], "torch.DoubleStorage");
        assert_eq!(storage, format!("{vector}[torch.DoubleStorage of size {n}]\n"));
        let single = format_storage(n, &|i| f64::from(values[i] as f32), "S");
        assert_eq!(single, format!("{floats}[S of size {n}]\n"));
    }
}

#[test]
fn shapes() {
    for (sizes, value, text) in SHAPES {
        assert_eq!(format_tensor(sizes, &|i| value(i as f64 + 1.0), "torch.DoubleTensor"), *text);
    }
}

#[test]
fn without_elements() {
    assert_eq!(format_tensor(&[], &|_| 0.0, "torch.ByteTensor"), "[torch.ByteTensor with no dimension]\n");
    assert_eq!(format_tensor(&[0, 2], &|_| 0.0, "T"), "[T of size 0x2]\n");
    assert_eq!(format_storage(0, &|_| 0.0, "torch.ByteStorage"), "[torch.ByteStorage of size 0]\n");
}

#[test]
fn scaled_columns_have_one_more_space() {
    let values: Vec<f64> = (0..4).map(|i| f64::from(i) * 1234.5678 + 1e6).collect();
    assert!(text_of(&[2, 2], &values).starts_with("1e+06 *\n  1.0000"));
    assert!(text_of(&[4, 1], &values).starts_with("1e+06 *\n  1.0000\n  1.0012\n"));
    assert!(text_of(&[4], &values).starts_with("1e+06 *\n 1.0000\n 1.0012\n"));
}
