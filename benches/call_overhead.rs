//! What a call costs: small operations on ten doubles, in nanoseconds a call (the least of several blocks).

fn main() -> anyhow::Result<()> {
    let host = rekindle::Host::new()?;
    host.eval::<()>(
        r#"
        local x, y, m = torch.randn(10), torch.randn(10), torch.randn(10, 10)
        local clock = os.clock
        local function bench(name, f)
           local best = math.huge
           f(1e4)
           for _ = 1, 7 do
              local t = clock()
              f(2e5)
              best = math.min(best, (clock() - t) / 2e5 * 1e9)
           end
           print(string.format('%-18s %7.1f ns', name, best))
        end
        bench('empty loop', function(n) for i = 1, n do end end)
        bench('x:add(1)', function(n) for i = 1, n do x:add(1) end end)
        bench('x:add(y)', function(n) for i = 1, n do x:add(y) end end)
        bench('x:sum()', function(n) for i = 1, n do x:sum() end end)
        bench('x[i]', function(n) local a = 0 for i = 1, n do a = a + x[i % 10 + 1] end end)
        bench('x[i]=v', function(n) for i = 1, n do x[i % 10 + 1] = 1.5 end end)
        bench('m[i][j]', function(n) local a = 0 for i = 1, n do a = a + m[i % 10 + 1][3] end end)
        bench('x:narrow(1,2,3)', function(n) local s for i = 1, n do s = x:narrow(1, 2, 3) end end)
        bench('torch.Tensor(10)', function(n) local s for i = 1, n do s = torch.Tensor(10) end end)
        "#,
    )
}
