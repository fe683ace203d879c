-- unsup.UnsupTrainer(module, data): stochastic descent, with a rate for each parameter if params.hessian is true.
require 'unsup.modules'

local UnsupTrainer = torch.class 'unsup.UnsupTrainer'

function UnsupTrainer:__init(module, data)
   self.module, self.data = module, data
   self.parameters = { module:getParameters() }
   if #self.parameters == 0 then error('unsup.UnsupTrainer: the module has no parameters', 2) end
end

-- params: eta, maxiter, etadecay, etadecayinterval, statinterval, hessian, hessianinterval, hessiansamples,
-- minhessian, maxhessian. hookSample(trainer, i, sample, result) and hookEpoch(trainer, n) are called where they are set.
function UnsupTrainer:train(params)
   local eta, interval = params.eta, params.statinterval or math.ceil(params.maxiter / 100)
   local hessian_interval = params.hessianinterval or interval
   if not params.hessian then self.parameters[3] = nil end
   local err = 0
   for age = 1, params.maxiter do
      if params.hessian and (age - 1) % hessian_interval == 0 then
         params.di = age
         self:computeDiagHessian(params)
      end
      local sample = self.data[age]
      local result = self:trainSample(sample, eta)
      err = err + result[1]
      if self.hookSample then self.hookSample(self, age, sample, result) end
      if age % interval == 0 then
         if self.hookEpoch then self.hookEpoch(self, age / interval) end
         print(string.format('# iter= %d eta= %g current error= %g', age, eta, err))
         eta = params.eta / (1 + age / (params.etadecayinterval or interval) * (params.etadecay or 0))
         err = 0
      end
   end
end

function UnsupTrainer:computeDiagHessian(params)
   local _, dx, ddx = unpack(self.parameters)
   local least = params.minhessian or 0.02
   local samples, most = params.hessiansamples or 500, params.maxhessian or 1 / least
   local sum = ddx:clone():zero()
   for i = 1, samples do
      local input, target = self.data[params.di + i][1], self.data[params.di + i][2]
      self.module:updateOutput(input, target)
      dx:zero()
      self.module:updateGradInput(input, target)
      self.module:accGradParameters(input, target)
      ddx:zero()
      self.module:updateDiagHessianInput(input, target)
      self.module:accDiagHessianParameters(input, target)
      sum:add(1 / samples, ddx)
   end
   print(string.format('ddeltax : min/max = %g/%g', sum:min(), sum:max()))
   ddx:copy(sum:clamp(least, most))
end

-- One step; gives what the module's updateOutput gave.
function UnsupTrainer:trainSample(sample, eta)
   local x, dx, ddx = unpack(self.parameters)
   local input, target = sample[1], sample[2]
   local result = { self.module:updateOutput(input, target) }
   dx:zero()
   self.module:updateGradInput(input, target)
   self.module:accGradParameters(input, target)
   if torch.ne(dx, dx):sum() > 0 then error('unsup.UnsupTrainer: the gradient is nan') end
   if ddx then x:addcdiv(-eta, dx, ddx) else x:add(-eta, dx) end
   if torch.ne(x, x):sum() > 0 then error('unsup.UnsupTrainer: a parameter is nan') end
   self.module:normalize()
   return result
end
