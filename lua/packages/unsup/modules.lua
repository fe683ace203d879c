-- unsup: nn.Diag, the class of modules that learn without targets, and what several of them do.
require 'nn'
require 'optim'

-- a global, as programs expect
rawset(_G, 'unsup', rawget(_G, 'unsup') or {})

do
   local Diag, parent = torch.class('nn.Diag', 'nn.Module')

   -- A factor for each feature: the first dimension of the input.
   function Diag:__init(nFeature)
      parent.__init(self)
      self.weight, self.gradWeight = nn.utils.parameter(nFeature)
      self:reset()
   end
   function Diag:reset() self.weight:fill(1) end

   local function scaled(result, x, weight)
      local rows = result:resizeAs(x):copy(x):view(x:size(1), -1)
      rows:cmul(weight:view(-1, 1):expandAs(rows))
      return result
   end
   function Diag:updateOutput(input) return scaled(self.output, input, self.weight) end
   function Diag:updateGradInput(_, gradOutput) return scaled(self.gradInput, gradOutput, self.weight) end
   local function accumulate(gradient, input, gradOutput, scale)
      local product = torch.cmul(input, gradOutput):view(input:size(1), -1)
      gradient:add(scale or 1, product:sum(2):view(-1))
   end
   function Diag:accGradParameters(input, gradOutput, scale) accumulate(self.gradWeight, input, gradOutput, scale) end

   -- its part of nn.hessian: the weight, and the input, appear squared
   local enable = nn.hessian.enable
   function nn.hessian.enable()
      enable()
      function Diag:updateDiagHessianInput(_, ofOutput)
         self.diagHessianInput = self.diagHessianInput or ofOutput.new()
         return scaled(self.diagHessianInput, ofOutput, torch.cmul(self.weight, self.weight))
      end
      function Diag:accDiagHessianParameters(input, ofOutput)
         accumulate(self.diagHessianWeight, torch.cmul(input, input), ofOutput)
      end
   end
end

do
   local UnsupModule, parent = torch.class('unsup.UnsupModule', 'nn.Module')
   function UnsupModule:__init() parent.__init(self) end
   function UnsupModule:normalize() error(torch.type(self) .. ': normalize is not defined for this class') end
end

local shared = {}

-- Makes a class hand methods without results on to the modules in these fields.
function shared.delegate(class, fields, names)
   for _, name in ipairs(names) do
      class[name] = function(self, ...)
         for _, field in ipairs(fields) do
            local part = self[field]
            local method = type(part) == 'table' and part[name]
            if not method then
               local enabling = name:find('Hessian', 1, true) and '; nn.hessian.enable() gives it' or ''
               error(string.format('%s: its %s, %s, has no method %s%s', torch.type(self), field, torch.type(part), name, enabling))
            end
            method(part, ...)
         end
      end
   end
end

-- Parameters, one after the other, of an encoder and a decoder; and a rate for each of them or for both.
function shared.pair(class)
   shared.delegate(class, { 'encoder', 'decoder' }, { 'initDiagHessianParameters', 'zeroGradParameters', 'reset' })
   function class:parameters() return nn.Sequential():add(self.encoder):add(self.decoder):parameters() end
   function class:updateParameters(rate)
      local rates = type(rate) == 'number' and { rate, rate } or rate
      self.encoder:updateParameters(rates[1])
      self.decoder:updateParameters(rates[2])
   end
   function class:training()
      self.train = true
      for _, part in ipairs { self.encoder, self.decoder } do part:training() end
   end
   function class:evaluate()
      self.train = false
      for _, part in ipairs { self.encoder, self.decoder } do part:evaluate() end
   end
end

-- Makes each kernel's norm one: columns of a matrix, and whatever the last two dimensions of larger weights are.
function shared.normalize(weight)
   if not weight or weight:dim() < 2 then return end
   local kernels
   if weight:dim() == 2 then
      kernels = weight:t()
      for i = 1, kernels:size(1) do kernels[i]:div(kernels[i]:norm() + 1e-12) end
      return
   end
   kernels = weight:view(-1, weight:size(weight:dim() - 1), weight:size(weight:dim()))
   for i = 1, kernels:size(1) do kernels[i]:div(kernels[i]:norm() + 1e-12) end
end

return shared
