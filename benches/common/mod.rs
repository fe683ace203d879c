//! What all benches share: cases written as a program would write them, timed in blocks.

/// Times each case (a name and a statement) after `setup`, and prints the least microseconds a call of several blocks, on
/// one thread and on all.
///
/// # Errors
/// What a case raises.
pub fn run(family: &str, setup: &str, cases: &[(&str, &str)]) -> anyhow::Result<()> {
    let host = rekindle::Host::new()?;
    let all: usize = host.eval("return torch.getnumcores()")?;
    println!("{family}: microseconds a call on 1 and on {all} threads");
    host.eval::<()>(setup)?;
    for (name, statement) in cases {
        let mut figures = vec![];
        for threads in [1, all] {
            let program = format!(
                r#"
                torch.setnumthreads({threads})
                local function block(n)
                   local timer = torch.Timer()
                   for _ = 1, n do {statement} end
                   return timer:time().real / n * 1e6
                end
                local n = math.max(1, math.floor(2e4 / math.max(block(1), block(1), 0.1)))
                local least = math.huge
                for _ = 1, 7 do least = math.min(least, block(n)) end
                return least"#
            );
            figures.push(host.eval::<f64>(&program)?);
        }
        println!("  {name:<34} {:>10.2} {:>10.2}", figures[0], figures[1]);
    }
    Ok(())
}
