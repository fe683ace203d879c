-- Activations with options: constructors; Rust computes. Those without any need no Lua at all.
local define = require 'nn.define'
local expect = require 'nn.expect'

local inplace = { 'inplace', false, 'boolean' }

do
   local Threshold = define('Threshold', {
      options = { { 'threshold', 1e-6 }, { 'val', 0 }, inplace },
      setup = function(self) self:validateParameters() end,
   })

   local function number(self, field)
      if type(self[field]) ~= 'number' then
         expect.fail(self, '%s should be a number, got %s', field, expect.brief(self[field]))
      end
   end
   -- In place, the gradient is read from the result: what was cut off must still be below the threshold.
   function Threshold:validateParameters()
      number(self, 'threshold')
      number(self, 'val')
      if self.inplace and self.val > self.threshold then
         error(string.format('%s: in place, val (%g) may not lie above threshold (%g)', torch.type(self), self.val,
            self.threshold))
      end
   end

   -- Programs change the fields after the constructor has looked at them.
   for _, method in ipairs { 'updateOutput', 'updateGradInput' } do
      local compute = Threshold[method]
      Threshold[method] = function(self, ...)
         self:validateParameters()
         return compute(self, ...)
      end
   end

   local ReLU, parent = torch.class('nn.ReLU', 'nn.Threshold')
   function ReLU:__init(...) parent.__init(self, 0, 0, ...) end
end

do
   local LeakyReLU, parent = define('LeakyReLU', {
      text = function(self) return string.format('(%g)', self.negval) end,
   })
   -- The slope may be left out before the flag. A negative one would hide the input's sign in the result.
   function LeakyReLU:__init(slope, flag)
      parent.__init(self)
      if type(slope) == 'boolean' then slope, flag = nil, slope end
      self.negval = expect.number('LeakyReLU', slope or 1 / 100, 'the slope')
      self.inplace = flag and self.negval >= 0 or false
   end
end

define('ELU', {
   options = { { 'alpha', 1, 'number' }, inplace },
   text = function(self) return string.format(' (alpha:%f)', self.alpha) end,
})

local function ordered(self)
   if self.min_val >= self.max_val then
      expect.fail(self, 'the minimum (%g) should lie below the maximum (%g)', self.min_val, self.max_val)
   end
end
local bounds = { { 'min_val', -1, 'number' }, { 'max_val', 1, 'number' }, inplace }
define('HardTanh', { options = bounds, setup = ordered })
define('Clamp', { parent = 'nn.HardTanh', options = bounds, setup = ordered })

do
   local ReLU6 = define('ReLU6', { options = { inplace } })
   ReLU6.min_val, ReLU6.max_val = 0, 6
end

for _, name in ipairs { 'HardShrink', 'SoftShrink' } do define(name, { options = { { 'lambda', 0.5, 'number' } } }) end

-- above the threshold the function is the identity
define('SoftPlus', { options = { { 'beta', 1 } }, setup = function(self) self.threshold = 20 end })

define('PReLU', {
   options = { { 'nOutputPlane', 0, 'number' } },
   setup = function(self)
      local n = expect.count('PReLU', math.max(self.nOutputPlane, 1), 'the number of planes')
      self.weight, self.gradWeight = torch.Tensor(n):fill(0.25), torch.Tensor(n):zero()
   end,
   scratch = { 'gradWeightBuf', 'gradWeightBuf2' },
})

define('RReLU', {
   options = { { 'lower', 1 / 8, 'number' }, { 'upper', 1 / 3, 'number' }, { 'inplace', false } },
   setup = function(self)
      if self.lower < 0 or self.lower > self.upper then
         expect.fail(self, 'slopes with 0 <= lower <= upper expected, got %g and %g', self.lower, self.upper)
      end
      self.noise, self.train = torch.Tensor(), true
   end,
   scratch = { 'noise' },
   text = function(self) return string.format(' (l:%f, u:%f)', self.lower, self.upper) end,
})

-- a container without modules, as its text and parameters show
define('CReLU', {
   parent = 'nn.Container',
   options = { { 'nInputDims' }, { 'inplace', false } },
}).__tostring__ = function() return 'CReLU()' end

do
   -- The largest of several linear functions, for each output.
   local Maxout, parent = torch.class('nn.Maxout', 'nn.Sequential')
   function Maxout:__init(inputSize, outputSize, pieces, preprocess)
      parent.__init(self)
      expect.count('Maxout', inputSize, 'inputSize')
      expect.count('Maxout', outputSize, 'outputSize')
      expect.count('Maxout', pieces, 'the number of pieces')
      self:add(nn.Linear(inputSize, outputSize * pieces))
      if preprocess then self:add(preprocess) end
      self:add(nn.View(pieces, outputSize):setNumInputDims(1)):add(nn.Max(1, 2))
   end
end

-- Torch7 computes these two with an activation of their own, and looks for it in files.
define('TanhShrink', { setup = function(self) self.tanh = nn.Tanh() end })
define('GatedLinearUnit', { options = { { 'dim' } }, setup = function(self) self.sigmoid = nn.Sigmoid() end })
