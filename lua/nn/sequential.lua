-- nn.Sequential: each module gets the output of the one before.
local expect = require 'nn.expect'
local Sequential, parent = torch.class('nn.Sequential', 'nn.Container')

-- The container's results are those of its ends.
local function takeEnds(self)
   local first, last = self.modules[1], self.modules[#self.modules]
   self.gradInput = first and first.gradInput or torch.Tensor()
   self.output = last and last.output or torch.Tensor()
end

-- `#container` is how many modules it has.
function Sequential:__len() return #self.modules end
-- by this name classes derived from it have it too
Sequential.__len__ = Sequential.__len

function Sequential:add(module)
   expect.method(self, 'add', 'container', 'modules')
   if module == nil then parent.add(self) else parent.add(self, module) end
   takeEnds(self)
   return self
end

function Sequential:insert(module, index)
   local n = #self.modules
   index = index or n + 1
   if type(index) ~= 'number' or index < 1 or index > n + 1 then
      error(string.format('nn.Sequential: a module can be inserted at 1 to %d, not at %s', n + 1, tostring(index)))
   end
   table.insert(self.modules, index, expect.module(self, module))
   takeEnds(self)
end

function Sequential:remove(index)
   local n = #self.modules
   index = index or n
   if type(index) ~= 'number' or index < 1 or index > n then
      error(string.format('nn.Sequential: there are %d modules, none at %s', n, tostring(index)))
   end
   table.remove(self.modules, index)
   takeEnds(self)
end

function Sequential:updateOutput(input)
   local value = input
   for i, m in ipairs(self.modules) do
      value = self:rethrowErrors(m, i, 'updateOutput', value)
   end
   self.output = value
   return value
end

-- From the last module to the first. Each gets its input and the gradient of its output, which is what the module after
-- it returned (`passed`) or holds in its gradInput.
local function sweep(self, method, passed, input, gradient, extra)
   local modules = self.modules
   if #modules == 0 then error(torch.type(self) .. ' without modules has no ' .. method) end
   for i = #modules, 1, -1 do
      local m, x = modules[i], input
      if i > 1 then x = modules[i - 1].output end
      local result = self:rethrowErrors(m, i, method, x, gradient, extra)
      if passed then gradient = result else gradient = m.gradInput end
      if method == 'backward' then m.gradInput = gradient end
   end
   return gradient
end

function Sequential:updateGradInput(input, gradOutput)
   self.gradInput = sweep(self, 'updateGradInput', true, input, gradOutput)
   return self.gradInput
end

function Sequential:backward(input, gradOutput, scale)
   self.gradInput = sweep(self, 'backward', true, input, gradOutput, scale or 1)
   return self.gradInput
end

function Sequential:accGradParameters(input, gradOutput, scale)
   sweep(self, 'accGradParameters', false, input, gradOutput, scale or 1)
end

function Sequential:accUpdateGradParameters(input, gradOutput, rate)
   sweep(self, 'accUpdateGradParameters', false, input, gradOutput, rate)
end

-- classes made from this one keep its text
function Sequential:__tostring__()
   local arrows, lines = { '  [input' }, {}
   for i, m in ipairs(self.modules) do
      arrows[i + 1] = '(' .. i .. ')'
      lines[i] = '  (' .. i .. '): ' .. tostring(m):gsub('\n', '\n  ') .. '\n'
   end
   arrows[#arrows + 1] = 'output]'
   return 'nn.Sequential {\n' .. table.concat(arrows, ' -> ') .. '\n' .. table.concat(lines) .. '}'
end

return Sequential
