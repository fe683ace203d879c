-- nn.BlockSequential: a chain whose parameters lie in a few blocks of memory, so that the gradients of one block can be on their
-- way while those before it are computed.
require 'nn'
local expect = require 'nn.expect'
local BlockSequential, parent = torch.class('nn.BlockSequential', 'nn.Sequential')

function BlockSequential:__init(blocks)
   parent.__init(self)
   self.blocks = expect.whole('BlockSequential', blocks, 'the number of blocks', 1)
end

local function elements(m)
   local total = 0
   for _, p in ipairs(m:parameters() or {}) do total = total + p:nElement() end
   return total
end

-- Puts the modules into chains of about as many parameters each, and the parameters of each chain together.
local function divide(self)
   if self.values then return end
   local total = 0
   for _, m in ipairs(self.modules) do total = total + elements(m) end
   local most = math.ceil(total / self.blocks)
   local chains, filled = { nn.Sequential() }, 0
   for _, m in ipairs(self.modules) do
      local n = elements(m)
      if filled > 0 and filled + n > most then
         chains[#chains + 1], filled = nn.Sequential(), 0
      end
      chains[#chains]:add(m)
      filled = filled + n
   end
   self.modules, self.values, self.gradients = chains, {}, {}
   for i, chain in ipairs(chains) do
      local values = chain:parameters()
      if values and #values > 0 then self.values[i], self.gradients[i] = chain:getParameters() end
   end
end

function BlockSequential:updateOutput(input)
   divide(self)
   return parent.updateOutput(self, input)
end

-- The blocks, and their gradients.
function BlockSequential:parameterBlocks()
   divide(self)
   local values, gradients = {}, {}
   for i = 1, #self.modules do
      if self.values[i] then values[#values + 1], gradients[#gradients + 1] = self.values[i], self.gradients[i] end
   end
   return values, gradients
end
BlockSequential.getParameterBlocks = BlockSequential.parameterBlocks
BlockSequential.parameters = BlockSequential.parameterBlocks

-- Goes back through one block, from the last to the first: the gradient of its input, its parameters and their gradient. After
-- the first one there is nothing, once.
function BlockSequential:backwardStep(input, gradOutput, scale)
   if not self.values then expect.fail(self, 'forward comes before backward') end
   local at = self.step or #self.modules
   if at == 0 then
      self.step = nil
      return nil
   end
   local before = at > 1 and self.modules[at - 1].output or input
   local gradInput = self:rethrowErrors(self.modules[at], at, 'backward', before, gradOutput, scale)
   self.step = at - 1
   if at == 1 then self.gradInput = gradInput end
   return gradInput, self.values[at], self.gradients[at]
end

function BlockSequential:zeroGradParameters()
   for _, g in ipairs(select(2, self:parameterBlocks())) do g:zero() end
end

function BlockSequential:updateParameters(rate)
   local values, gradients = self:parameterBlocks()
   for i, w in ipairs(values) do w:add(-rate, gradients[i]) end
end

return BlockSequential
