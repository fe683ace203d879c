-- nn.Jacobian: gradients of modules against differences. A Jacobian has a row for every element of the input (or of a
-- parameter) and a column for every element of the output. nn.SparseJacobian does the same for inputs that are rows of
-- { place, value }: only the values change.

local function numbers(tensor, low, high)
   low, high = low or -2, high or 2
   return tensor:copy(torch.rand(tensor:nElement()):mul(high - low):add(low):viewAs(tensor))
end

local function largest(tensor) return torch.abs(tensor):max() end

-- Calls column(i, dout) for every output element, with a gradient that is 1 there and 0 elsewhere, and puts what it
-- returns side by side.
local function columns(module, input, rows, column)
   local output = module:forward(input)
   local dout = output.new():resizeAs(output):zero()
   local flat = dout:view(-1)
   local jacobian = torch.Tensor(rows, flat:nElement())
   for i = 1, flat:nElement() do
      flat:zero()
      flat[i] = 1
      jacobian:select(2, i):copy(column(dout):contiguous():view(-1))
   end
   return jacobian
end

-- Where the elements of a tensor lie in its storage, in logical order.
local function places(tensor)
   local list = { tensor:storageOffset() }
   for d = 1, tensor:dim() do
      local inner = {}
      for _, first in ipairs(list) do
         for k = 0, tensor:size(d) - 1 do inner[#inner + 1] = first + k * tensor:stride(d) end
      end
      list = inner
   end
   return list
end

-- The functions for inputs of which `values(input)` changes.
local function jacobians(prefix, values)
   local Jacobian = {}

   -- As the backward pass gives it: of the input, or of a parameter whose gradient is `dparam`.
   function Jacobian.backward(module, input, param, dparam)
      return columns(module, input, (param or values(input)):nElement(), function(dout)
         module:zeroGradParameters()
         local gradient = module:updateGradInput(input, dout)
         module:accGradParameters(input, dout, 1)
         return dparam or values(gradient)
      end)
   end

   -- As one step of accUpdateGradParameters with rate 1 changes a parameter.
   function Jacobian.backwardUpdate(module, input, param)
      local start = param:clone()
      local jacobian = columns(module, input, param:nElement(), function(dout)
         param:copy(start)
         module:updateGradInput(input, dout)
         module:accUpdateGradParameters(input, dout, 1)
         return torch.add(start, -1, param)
      end)
      param:copy(start)
      return jacobian
   end

   -- By differences of the output around each element.
   function Jacobian.forward(module, input, param, perturbation)
      param, perturbation = param or values(input), perturbation or 1e-6
      local storage, list, jacobian = param:storage(), places(param), nil
      for i, at in ipairs(list) do
         local was = storage[at]
         local function shifted(by)
            storage[at] = was + by
            return module:forward(input):clone()
         end
         local below, above = shifted(-perturbation), shifted(perturbation)
         storage[at] = was
         jacobian = jacobian or torch.Tensor(#list, above:nElement())
         jacobian[i]:copy(above:add(-1, below):div(2 * perturbation):view(-1))
      end
      return jacobian
   end
   Jacobian.forwardUpdate = Jacobian.forward

   -- The largest difference between the two, at random inputs (and values of the parameter) from `low` to `high`.
   function Jacobian.testJacobian(module, input, low, high, perturbation)
      numbers(values(input), low, high)
      return largest(Jacobian.forward(module, input, nil, perturbation) - Jacobian.backward(module, input))
   end

   function Jacobian.testJacobianParameters(module, input, param, dparam, low, high, perturbation)
      numbers(values(input), low, high)
      numbers(param, low, high)
      local backward = Jacobian.backward(module, input, param, dparam)
      return largest(Jacobian.forward(module, input, param, perturbation) - backward)
   end

   function Jacobian.testJacobianUpdateParameters(module, input, param, low, high, perturbation)
      numbers(values(input), low, high)
      numbers(param, low, high)
      local backward = Jacobian.backwardUpdate(module, input, param)
      return largest(Jacobian.forwardUpdate(module, input, param, perturbation) - backward)
   end

   -- Steps taken in both ways, alone and with a twin that shares the parameter, against the step that gradients call for:
   -- the largest differences, by name.
   function Jacobian.testAllUpdate(module, input, weight, gradWeight)
      local rate, errors = torch.uniform(0.1, 1), {}
      local output = module:forward(input)
      local dout = torch.rand(output:nElement()):viewAs(output):typeAs(output)
      local ways = {
         accGradParameters = function(m) m:accGradParameters(input, dout, 1) end,
         accUpdateGradParameters = function(m) m:accUpdateGradParameters(input, dout, rate) end,
      }
      local function run(m, method)
         m:forward(input)
         m:updateGradInput(input, dout)
         ways[method](m)
      end

      local plain = module:clone()
      plain:zeroGradParameters()
      run(plain, 'accGradParameters')
      for method in pairs(ways) do
         for count, name in ipairs { method, method .. ' [shared]' } do
            local first = module:clone()
            local team = { first, count == 2 and first:clone(weight, gradWeight, 'bias', 'gradBias') or nil }
            first:zeroGradParameters()
            for _, m in ipairs(team) do run(m, method) end
            if method == 'accGradParameters' then first:updateParameters(rate) end
            local wanted = torch.add(module[weight], -rate * count, plain[gradWeight])
            errors[name] = largest(wanted:add(-1, first[weight]))
         end
      end
      return errors
   end

   -- The diagonals of nn.hessian for the input, the weight and the bias, against sums of squared differences: what Gauss
   -- and Newton's approximation means, for random diagonals of the output.
   local function diagonal(module, input, param, result)
      local output = module:forward(input)
      local ofOutput = torch.rand(output:nElement()):viewAs(output):typeAs(output)
      module:initDiagHessianParameters()
      local computed = result(ofOutput):clone()
      local slopes = Jacobian.forward(module, input, param)
      local wanted = torch.mv(slopes:cmul(slopes), ofOutput:contiguous():view(-1):double())
      return largest(wanted:add(-1, computed:contiguous():view(-1):double()))
   end
   function Jacobian.testDiagHessianInput(module, input, low, high)
      numbers(values(input), low, high)
      return diagonal(module, input, nil, function(ofOutput)
         return values(module:updateDiagHessianInput(input, ofOutput))
      end)
   end
   for name, field in pairs { testDiagHessianWeight = 'weight', testDiagHessianBias = 'bias' } do
      local into = 'diagHessian' .. field:gsub('^%l', string.upper)
      Jacobian[name] = function(module, input, low, high)
         numbers(values(input), low, high)
         numbers(module[field], low, high)
         return diagonal(module, input, module[field], function(ofOutput)
            module[into]:zero()
            module:updateDiagHessianInput(input, ofOutput)
            module:accDiagHessianParameters(input, ofOutput)
            return module[into]
         end)
      end
   end

   -- How much output and gradient of a module change when it goes through a file: two largest differences.
   function Jacobian.testIO(module, input, low, high)
      numbers(values(input), low, high)
      local output = module:forward(input)
      local dout = torch.rand(output:nElement()):viewAs(output):typeAs(output)
      module:zeroGradParameters()
      local before, gradient = output:clone(), module:backward(input, dout)
      local copy = nn.utils.written(module)
      copy:zeroGradParameters()
      local after = copy:forward(input)
      return largest(after - before), largest(copy:backward(input, dout) - gradient)
   end

   local looked = 'module:module input:tensor '
   local range = ' low:number? high:number? '
   require 'rekindle.takes'(Jacobian, prefix, {
      backward = looked .. 'param:tensor? dparam:tensor?', backwardUpdate = looked .. 'param:tensor',
      forward = looked .. 'param:tensor? perturbation:number?', forwardUpdate = looked .. 'param:tensor? perturbation:number?',
      testJacobian = looked .. range .. 'perturbation:number?',
      testJacobianParameters = looked .. 'param:tensor dparam:tensor' .. range .. 'perturbation:number?',
      testJacobianUpdateParameters = looked .. 'param:tensor' .. range .. 'perturbation:number?',
      testAllUpdate = looked .. 'weight:string gradWeight:string', testDiagHessianInput = looked .. range,
      testDiagHessianWeight = looked .. range, testDiagHessianBias = looked .. range, testIO = looked .. range,
   })
   return Jacobian
end

nn.Jacobian = jacobians('nn.Jacobian.', function(input) return input end)
nn.SparseJacobian = jacobians('nn.SparseJacobian.', function(input)
   if input:dim() == 0 or input:size(input:dim()) < 2 then
      error('nn.SparseJacobian: pairs of places and values expected, got ' .. require('nn.expect').brief(input))
   end
   return input:select(input:dim(), 2)
end)

return nn.Jacobian
