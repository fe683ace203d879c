-- unsup: sparse codes that minimise reconstruction error plus lambda times the code's L1 norm, found by FISTA (Beck and
-- Teboulle 2009) at each forward.
local shared = require 'unsup.modules'

-- FistaL1(D, cost, lambda, params): D is linear and reconstructs the input from the code, cost is smooth and convex.
-- updateOutput(input, code) gives the value at the code found, which stays in `code`, and the history.
local FistaL1, parent = torch.class('unsup.FistaL1', 'unsup.UnsupModule')

-- how much of the reconstruction's cost counts
FistaL1.share_of_cost = 0.5

function FistaL1:__init(reconstruction, cost, lambda, params)
   parent.__init(self)
   self.lambda, self.D, self.Fcost, self.Gcost = lambda, reconstruction, cost, nn.L1Cost()
   self.code = torch.Tensor()
   params = params or {}
   for name, value in pairs { L = 0.1, Lstep = 1.5, maxiter = 50, maxline = 20, errthres = 1e-4 } do
      params[name] = params[name] or value
   end
   params.doFistaUpdate = true
   self.params, self.gradInput = params, nil
   self:reset()
end

shared.delegate(FistaL1, { 'D' }, { 'zeroGradParameters', 'reset', 'updateParameters' })
function FistaL1:parameters() return self.D:parameters() end
function FistaL1:initDiagHessianParameters()
   if not self.D.initDiagHessianParameters then
      error(torch.type(self) .. ': the reconstruction has no diagonal Hessian; nn.hessian.enable() gives it one')
   end
   self.D:initDiagHessianParameters()
end

-- Finds the code for an input; the search starts at `self.code`.
function FistaL1:infer(input)
   local function smooth(code, mode)
      local reconstruction = self.D:updateOutput(code)
      local value = self.share_of_cost * self.Fcost:updateOutput(reconstruction, input)
      if not (mode and mode:match 'dx') then return value end
      local gradient = self.Fcost:updateGradInput(reconstruction, input)
      if self.share_of_cost ~= 1 then gradient:mul(self.share_of_cost) end
      return value, self.D:updateGradInput(code, gradient)
   end
   local function sparse(code) return self.lambda * self.Gcost:updateOutput(code) end
   local function shrink(code, L) code:shrinkage(self.lambda / L) end
   self.input = input
   local before = self.params.L
   local _, history = optim.FistaLS(smooth, sparse, shrink, self.code, self.params)
   return history[#history].F, history, before == self.params.L
end

function FistaL1:updateOutput(input, code)
   if code then self.code:resizeAs(code):copy(code) else self.code:zero() end
   local value, history, steady = self:infer(input)
   -- a smaller constant is a larger step next time
   if steady then self.params.L = math.max(0.1, self.params.L / 2) end
   return value, history
end

-- The code is a minimum: there is nothing to hand back.
function FistaL1:updateGradInput() return self.gradInput end

function FistaL1:accGradParameters(input)
   local gradient = self.Fcost:updateGradInput(self.D.output, input)
   if self.share_of_cost ~= 1 then gradient:mul(self.share_of_cost) end
   self.D:accGradParameters(self.code, gradient)
end
function FistaL1:updateDiagHessianInput() end
function FistaL1:accDiagHessianParameters(input)
   local diagonal = self.Fcost:updateDiagHessianInput(self.D.output, input)
   if self.share_of_cost ~= 1 then diagonal:mul(self.share_of_cost) end
   self.D:accDiagHessianParameters(self.code, diagonal)
end
function FistaL1:normalize() shared.normalize(self.D.weight) end

-- LinearFistaL1(inputs, codes, lambda, params): a matrix as dictionary, without a bias.
do
   local LinearFistaL1 = torch.class('unsup.LinearFistaL1', 'unsup.FistaL1')
   LinearFistaL1.share_of_cost = 1

   function LinearFistaL1:__init(inputSize, outputSize, lambda, params)
      local cost = nn.MSECriterion()
      cost.sizeAverage = false
      FistaL1.__init(self, nn.Linear(outputSize, inputSize), cost, lambda, params)
      self.code:resize(outputSize):zero()
   end
   function LinearFistaL1:reset(stdv)
      self.D:reset(stdv)
      self.D.bias:zero()
   end
   function LinearFistaL1:updateOutput(input)
      self.code:zero()
      local value, history, steady = self:infer(input)
      if steady then self.params.L = self.params.L / 2 end
      return value, history
   end
   function LinearFistaL1:accGradParameters(input)
      FistaL1.accGradParameters(self, input)
      self.D.gradBias:zero()
   end
   function LinearFistaL1:updateParameters(rate)
      self.D:updateParameters(rate)
      self.D.bias:zero()
   end
end

-- SpatialConvFistaL1(table, kw, kh, iw, ih, lambda, params): a convolution as dictionary, of the connections in `table`.
-- Places that fewer windows reach weigh less.
do
   local SpatialConvFistaL1 = torch.class('unsup.SpatialConvFistaL1', 'unsup.FistaL1')

   function SpatialConvFistaL1:__init(conntable, kw, kh, iw, ih, lambda, params)
      local planes, codes = conntable:select(2, 2):max(), conntable:select(2, 1):max()
      local reach = torch.zeros(planes, ih, iw)
      for y = 1, ih - kh + 1 do
         for x = 1, iw - kw + 1 do reach:narrow(2, y, kh):narrow(3, x, kw):add(1) end
      end
      local cost = nn.WeightedMSECriterion(reach:div(reach:max()))
      cost.sizeAverage = false
      FistaL1.__init(self, nn.SpatialFullConvolutionMap(conntable, kw, kh, 1, 1), cost, lambda, params)
      self.code:resize(codes, ih - kh + 1, iw - kw + 1):zero()
   end
end
