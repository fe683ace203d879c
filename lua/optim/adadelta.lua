-- optim.adadelta: steps in the units of the parameters, from running averages of squared gradients and squared steps.
local step = require 'optim.step'

-- Options: rho (0.9), eps (1e-6), weightDecay (0). There is no learning rate.
return function(opfunc, x, config, state)
   config, state = step.begin('adadelta', opfunc, x, config, state)
   local rho = step.number('adadelta', config, 'rho', 0.9)
   local eps = step.number('adadelta', config, 'eps', 1e-6)
   local weightDecay = step.number('adadelta', config, 'weightDecay', 0)

   local fx, dfdx = step.evaluate('adadelta', opfunc, x)
   step.penalise(dfdx, weightDecay, x)
   local square, change = step.zeros(state, 'paramVariance', dfdx), step.zeros(state, 'accDelta', dfdx)
   square:mul(rho):addcmul(1 - rho, dfdx, dfdx)
   local scale = step.scratch(state, 'paramStd', dfdx):copy(square):add(eps):sqrt()
   local delta = step.scratch(state, 'delta', dfdx):copy(change):add(eps):sqrt():cdiv(scale):cmul(dfdx)
   x:add(-1, delta)
   change:mul(rho):addcmul(1 - rho, delta, delta)
   state.evalCounter = (state.evalCounter or 0) + 1
   return x, { fx }
end
