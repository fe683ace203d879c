-- One parameter per element of a sample (or per row, column... where a size is 1): products (CMul) and biases (CAdd).
local define = require 'nn.define'
local expect = require 'nn.expect'
local text = require('nn.dimensions').text

-- The parameter's sizes, with the batch dimension where the tensor has one; nil where they cannot be compared, as with
-- a batch of vectors for a matrix of parameters.
local function aligned(self, tensor)
   local sizes = self.size:totable()
   if tensor:dim() == #sizes + 1 then table.insert(sizes, 1, 1) end
   return #sizes == tensor:dim() and sizes or nil
end

-- A parameter seen as large as the input; a batch repeats it.
local function spread(self, parameter, input)
   local n = parameter:nElement()
   if n == input:nElement() then return parameter:view(input:size()) end
   local sizes = aligned(self, input)
   local fits = sizes or input:nElement() > 0 and input:nElement() % n == 0
   for d, size in ipairs(sizes or {}) do fits = fits and (size == 1 or size == input:size(d)) end
   if not fits then
      expect.fail(self, 'an input that fits parameters of size %s expected, got %s', text(self.size), expect.brief(input))
   end
   if sizes then return parameter:view(torch.LongStorage(sizes)):expandAs(input) end
   return parameter:view(1, n):expand(input:nElement() / n, n):contiguous():view(input:size())
end

-- Adds `tensor`, summed over what `spread` repeated, to a gradient.
local function gather(self, grad, tensor, scale)
   local n = grad:nElement()
   if n ~= tensor:nElement() then
      local sizes = aligned(self, tensor)
      if not sizes then
         tensor = tensor:contiguous():view(-1, n):sum(1)
      else
         for d, size in ipairs(sizes) do
            if size == 1 then tensor = tensor:sum(d) end
         end
      end
   end
   return grad:add(scale, tensor:contiguous():viewAs(grad))
end

-- A class from the name of its parameter, what makes the output of input and parameter, and its two gradients.
local function each(name, parameter, spec)
   local gradient = 'grad' .. parameter:gsub('^%l', string.upper)
   local class = define(name, {
      setup = function(self, ...)
         self.size = expect.sizes(name, ...)
         self[parameter], self[gradient] = nn.utils.parameter(self.size)
         self.output:resize(self.size)
         self:reset()
      end,
   })
   function class:reset(deviation) nn.utils.draw(self, self[parameter]:nElement(), deviation, self[parameter]) end
   function class:updateOutput(input)
      expect.tensor(self, input, 'input')
      return spec.act(self.output, input, spread(self, self[parameter], input))
   end
   function class:updateGradInput(input, gradOutput)
      expect.tensor(self, input, 'input')
      expect.gradElements(self, gradOutput, input)
      return spec.back(self.gradInput:resizeAs(input), gradOutput, self[parameter], self, input)
   end
   function class:accGradParameters(input, gradOutput, scale)
      expect.tensor(self, input, 'input')
      expect.gradElements(self, gradOutput, input)
      gather(self, self[gradient], spec.slope(input, gradOutput), scale or 1)
   end
end

each('CMul', 'weight', {
   act = function(output, input, weight) return output:cmul(input, weight) end,
   back = function(result, gradOutput, weight, self, input)
      return result:cmul(gradOutput, spread(self, weight, input))
   end,
   slope = torch.cmul,
})

each('CAdd', 'bias', {
   act = function(output, input, bias) return output:add(input, bias) end,
   back = function(result, gradOutput) return result:copy(gradOutput) end,
   slope = function(_, gradOutput) return gradOutput end,
})
