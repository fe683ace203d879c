-- What every gradient method of optim does around its own arithmetic: checking what it is given, calling the
-- user's function, and the options that mean the same thing everywhere.
local step = {}

local function shown(v)
   if type(v) == 'string' then return string.format('the string %q', v) end
   if type(v) == 'number' or type(v) == 'boolean' then return 'the ' .. type(v) .. ' ' .. tostring(v) end
   return v == nil and 'nothing' or 'a ' .. torch.type(v)
end

-- The tensors in the state with one entry per parameter that methods keep from step to step.
local kept = {
   sgd = { 'dfdx' }, nag = { 'dfdx' }, asgd = { 'ax' }, rprop = { 'delta', 'stepsize' }, lbfgs = { 'd', 'g_old' },
   adam = { 'm', 'v' }, adamax = { 'm', 'u' }, adagrad = { 'paramVariance' }, rmsprop = { 'm' },
   adadelta = { 'paramVariance', 'accDelta' },
}

-- Checks the arguments of method `name`; gives the tables of options and of state. Without a state of its own, the
-- options table is the state too, which is how scripts that pass one table keep their momentum between calls.
function step.begin(name, opfunc, x, config, state)
   if type(opfunc) ~= 'function' and not (type(opfunc) == 'table' and getmetatable(opfunc)) then
      error(string.format('optim.%s: argument 1 should be a function of x that gives f(x) and its gradient, got %s',
         name, shown(opfunc)), 3)
   end
   if not torch.isTensor(x) then
      error(string.format('optim.%s: argument 2 should be the tensor of parameters, got %s', name, shown(x)), 3)
   end
   if config ~= nil and type(config) ~= 'table' then
      error(string.format('optim.%s: argument 3 should be a table of options, got %s', name, shown(config)), 3)
   end
   if state ~= nil and type(state) ~= 'table' then
      error(string.format('optim.%s: argument 4 should be a table of state, got %s', name, shown(state)), 3)
   end
   config = config or {}
   state = state or config
   for _, key in ipairs(kept[name] or {}) do
      local tensor = state[key]
      if torch.isTensor(tensor) and tensor:nElement() ~= x:nElement() then
         error(string.format('optim.%s: the state was made for %d parameters, and x has %d; use a new table of state',
            name, tensor:nElement(), x:nElement()), 3)
      end
      if torch.isTensor(tensor) and torch.typename(tensor) ~= torch.typename(x) then
         error(string.format('optim.%s: the state was made for a %s, and x is a %s; use a new table of state', name,
            torch.typename(tensor), torch.typename(x)), 3)
      end
   end
   return config, state
end

-- A numeric option, or its default.
function step.number(name, config, key, default)
   local v = config[key]
   if v == nil then return default end
   local n = tonumber(v)
   if not n then
      error(string.format('optim.%s: option %s should be a number, got %s', name, key, shown(v)), 3)
   end
   return n
end

-- A tensor option with one entry per parameter, of the type of x, or nil.
function step.perParameter(name, config, key, x)
   local t = config[key]
   if t == nil then return nil end
   if not torch.isTensor(t) or t:nElement() ~= x:nElement() then
      error(string.format('optim.%s: option %s should be a tensor of %d elements, one per parameter, got %s', name, key,
         x:nElement(), torch.isTensor(t) and 'one of ' .. t:nElement() or shown(t)), 3)
   end
   return torch.typename(t) == torch.typename(x) and t or t:type(torch.typename(x))
end

-- f(x) and its gradient, which must have the type and the number of elements of x.
function step.evaluate(name, opfunc, x)
   local fx, dfdx = opfunc(x)
   if not torch.isTensor(dfdx) then
      error(string.format('optim.%s: the function should give f(x) and its gradient; the gradient was %s', name,
         shown(dfdx)), 3)
   end
   if dfdx:nElement() ~= x:nElement() or torch.typename(dfdx) ~= torch.typename(x) then
      error(string.format('optim.%s: the gradient should be a %s of %d elements like x, got a %s of %d', name,
         torch.typename(x), x:nElement(), torch.typename(dfdx), dfdx:nElement()), 3)
   end
   return fx, dfdx
end

-- The learning rate after `count` steps of the 1/t decay.
function step.decayed(rate, decay, count) return rate / (1 + count * decay) end

-- state[key], made on first use as zeros shaped like `like`.
function step.zeros(state, key, like)
   local t = state[key]
   if not t then
      t = like.new():resizeAs(like):zero()
      state[key] = t
   end
   return t
end

-- state[key], made on first use, of the size and type of `like`, its content unspecified.
function step.scratch(state, key, like)
   local t = state[key]
   if not t or torch.typename(t) ~= torch.typename(like) then
      t = like.new()
      state[key] = t
   end
   return t:resizeAs(like)
end

return step
