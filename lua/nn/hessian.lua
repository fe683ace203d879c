-- nn.hessian: second derivatives for learning rates of each parameter's own (LeCun et al. 1989): the diagonal of the
-- Hessian, as Gauss and Newton approximate it. nn.hessian.enable() gives the classes their methods, for good:
--
--   initDiagHessianParameters()                   makes diagHessianWeight and diagHessianBias
--   updateDiagHessianInput(input, ofOutput)       the diagonal for the input, from that for the output
--   accDiagHessianParameters(input, ofOutput)     adds that for the parameters
--
-- parameters and getParameters then give them as a third result.
nn.hessian = nn.hessian or {}

-- Calls f with other values in some of an object's fields, which get their own back.
local function with(self, fields, f)
   local old = {}
   for name, value in pairs(fields) do old[name], self[name] = self[name], value end
   local ok, result = pcall(f)
   for name in pairs(fields) do self[name] = old[name] end
   if not ok then error(result, 0) end
   return result
end

local function buffer(self, name, like)
   self[name] = self[name] or like.new()
   return self[name]
end

-- What a layer is linear in appears squared: its weight for the input, its input for the parameters.
local function throughWeight(self, input, ofOutput)
   local squared = buffer(self, 'weightSquared', self.weight):resizeAs(self.weight):cmul(self.weight, self.weight)
   local fields = { weight = squared, gradInput = buffer(self, 'diagHessianInput', input) }
   self.diagHessianInput = with(self, fields, function() return self:updateGradInput(input, ofOutput) end)
   return self.diagHessianInput
end
local function ofWeight(self, input, ofOutput)
   local squared = buffer(self, 'inputSquared', input):resizeAs(input):cmul(input, input)
   with(self, { gradWeight = self.diagHessianWeight, gradBias = self.diagHessianBias }, function()
      self:accGradParameters(squared, ofOutput, 1)
   end)
end

-- An activation's derivative is squared.
local function pointwise(self, input, ofOutput)
   local ones = buffer(self, 'ones', ofOutput):resizeAs(ofOutput):fill(1)
   local slope = with(self, { gradInput = buffer(self, 'diagHessianInput', input) }, function()
      return self:updateGradInput(input, ones)
   end)
   self.diagHessianInput:resizeAs(slope):cmul(slope, slope):cmul(ofOutput)
   return self.diagHessianInput
end

-- What only moves elements moves these too.
local function moving(self, input, ofOutput)
   self.diagHessianInput = with(self, { gradInput = buffer(self, 'diagHessianInput', input) }, function()
      return self:updateGradInput(input, ofOutput)
   end)
   return self.diagHessianInput
end

local WEIGHTED = {
   'Linear', 'SpatialConvolution', 'SpatialConvolutionMM', 'SpatialConvolutionMap', 'SpatialFullConvolution',
   'SpatialFullConvolutionMap', 'SpatialConvolutionLocal', 'SpatialDilatedConvolution', 'TemporalConvolution',
   'VolumetricConvolution', 'CMul', 'Mul',
}
local POINTWISE = {
   'Tanh', 'Sigmoid', 'Square', 'Sqrt', 'Abs', 'Exp', 'Log', 'Power', 'Threshold', 'ReLU', 'ReLU6', 'HardTanh', 'Clamp',
   'HardShrink', 'SoftShrink', 'SoftPlus', 'SoftSign', 'LogSigmoid', 'TanhShrink', 'LeakyReLU', 'ELU', 'MulConstant',
}
local MOVING = { 'Identity', 'Reshape', 'View', 'Transpose', 'Contiguous', 'AddConstant', 'Select', 'Narrow', 'Padding' }

local function undefined(name)
   return function(self)
      error(string.format('%s: %s is not defined for this class', torch.type(self), name))
   end
end

local function addModule()
   local Module = torch.getmetatable('nn.Module')
   Module.updateDiagHessianInput = undefined('updateDiagHessianInput')
   function Module:accDiagHessianParameters() end
   function Module:initDiagHessianParameters()
      for parameter, field in pairs { gradWeight = 'diagHessianWeight', gradBias = 'diagHessianBias' } do
         local gradient = self[parameter]
         if gradient then self[field] = self[field] or gradient.new():resizeAs(gradient):zero() end
      end
   end
   local parameters = Module.parameters
   function Module:parameters()
      local values, gradients = parameters(self)
      if not values then return end
      local diagonals = {}
      if self.weight then diagonals[1] = self.diagHessianWeight end
      if self.bias then diagonals[#values] = self.diagHessianBias end
      return values, gradients, diagonals
   end
   local getParameters = Module.getParameters
   function Module:getParameters()
      local values, gradients = getParameters(self)
      local list, _, diagonals = self:parameters()
      local there = {}
      for i = 1, list and #list or 0 do there[#there + 1] = diagonals and diagonals[i] end
      return values, gradients, Module.flatten(there)
   end
end

local function addContainers()
   local Container, Sequential = torch.getmetatable('nn.Container'), torch.getmetatable('nn.Sequential')
   function Container:initDiagHessianParameters()
      for _, module in ipairs(self.modules) do module:initDiagHessianParameters() end
   end
   function Container:parameters()
      local all = { {}, {}, {} }
      for _, module in ipairs(self.modules) do
         local lists = { module:parameters() }
         for i = 1, lists[1] and #lists[1] or 0 do
            local place = #all[1] + 1
            for k = 1, 3 do all[k][place] = lists[k] and lists[k][i] end
         end
      end
      return unpack(all)
   end

   -- From the last module to the first: f(module, input, diagonal of its output) gives that of its input.
   local function back(self, input, ofOutput, f)
      for i = #self.modules, 1, -1 do
         local before = self.modules[i - 1]
         ofOutput = f(self.modules[i], before and before.output or input, ofOutput)
      end
      return ofOutput
   end
   function Sequential:updateDiagHessianInput(input, ofOutput)
      self.diagHessianInput = back(self, input, ofOutput, function(module, x, diagonal)
         return module:updateDiagHessianInput(x, diagonal)
      end)
      return self.diagHessianInput
   end
   function Sequential:accDiagHessianParameters(input, ofOutput)
      back(self, input, ofOutput, function(module, x, diagonal)
         module:accDiagHessianParameters(x, diagonal)
         return module.diagHessianInput
      end)
   end
end

local function addCriterions()
   torch.getmetatable('nn.Criterion').updateDiagHessianInput = undefined('updateDiagHessianInput')
   local MSE = torch.getmetatable('nn.MSECriterion')
   function MSE:updateDiagHessianInput(input)
      local value = self.sizeAverage and 2 / input:nElement() or 2
      self.diagHessianInput = buffer(self, 'diagHessianInput', input):resizeAs(input):fill(value)
      return self.diagHessianInput
   end
end

local enabled = setmetatable({}, { __mode = 'k' })
function nn.hessian.enable()
   local Module = torch.getmetatable('nn.Module')
   -- a second time changes nothing, unless the methods were taken away
   if Module.initDiagHessianParameters and enabled[Module] then return end
   enabled[Module] = true
   addModule()
   addContainers()
   addCriterions()
   for _, family in ipairs { { WEIGHTED, throughWeight }, { POINTWISE, pointwise }, { MOVING, moving } } do
      for _, name in ipairs(family[1]) do
         local class = torch.getmetatable('nn.' .. name)
         if class then
            class.updateDiagHessianInput = family[2]
            if family[1] == WEIGHTED then class.accDiagHessianParameters = ofWeight end
         end
      end
   end
   -- its parameters move with the output
   local Add = torch.getmetatable('nn.Add')
   Add.updateDiagHessianInput, Add.accDiagHessianParameters = moving, ofWeight
end

return nn.hessian
