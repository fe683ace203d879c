-- The table of docs/exports.md: every class of nn (the list is nn_samples.lua) and whether it can be exported.
-- Usage: th tests/lua/export_table.lua [-write], in the repository's root. Without -write it compares.
require 'nn'
local layers = require 'rekindle.export.layers'
torch.manualSeed(1)
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or ''
local samples = dofile(here .. 'nn_samples.lua')
local PAGE, FIRST, LAST = 'docs/exports.md', '<!-- classes -->\n', '<!-- end -->\n'

local names = {}
for name, list in pairs(samples) do
   if #list > 0 then names[#names + 1] = name end
end
table.sort(names)

local lines = { '| class | ONNX | PyTorch | why not |', '|---|---|---|---|' }
for _, name in ipairs(names) do
   local module = assert(loadstring('return nn.' .. samples[name][1][1]))()
   local f, why = layers.find(module)
   local how = f and 'yes' or 'no'
   lines[#lines + 1] = string.format('| nn.%s | %s | %s | %s |', name, how, how, why or '')
end
local made = table.concat(lines, '\n') .. '\n'

local file = assert(io.open(PAGE, 'r'))
local text = file:read('*a')
file:close()
local first, last = select(2, text:find(FIRST, 1, true)), text:find(LAST, 1, true)
if not first or not last then error(PAGE .. ': the marks around the table are gone') end
if arg[1] == '-write' then
   file = assert(io.open(PAGE, 'w'))
   file:write(text:sub(1, first), made, text:sub(last))
   file:close()
elseif text:sub(first + 1, last - 1) ~= made then
   error(PAGE .. ' is not the table of now: th tests/lua/export_table.lua -write')
end
