-- 20,000 temporaries of 1 MB: memory that Lua does not see must still drive its collector.
for _ = 1, 20000 do
   local x = torch.ByteTensor(1024 * 1024)
   x[1] = 1
end
local peak
for line in io.lines('/proc/self/status') do peak = peak or tonumber(line:match('^VmHWM:%s*(%d+)')) end
print(string.format('peak %d MB', peak / 1024))
assert(peak < 200 * 1024)
