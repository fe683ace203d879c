-- optim.lbfgs: limited-memory BFGS: a quasi-Newton direction from the last few steps and changes of the gradient.
local step = require 'optim.step'
local steps = require('rekindle.native').functions.optim

-- The memory: pairs of a step (old_dirs) and the change of the gradient over it (old_stps), and spare tensors for
-- more. Spare tensors get their size when they are first used, so a short run never pays for a long memory. Makes d
-- minus the gradient, and keeps that. Where the pair is kept, gives its curvature, and the product of its step with d.
local function remember(state, g, capacity)
   if not state.dir_bufs then
      state.dir_bufs, state.stp_bufs = {}, {}
      for i = 1, capacity + 1 do state.dir_bufs[i], state.stp_bufs[i] = g.new(), g.new() end
   end
   local s, y = table.remove(state.dir_bufs), table.remove(state.stp_bufs)
   local curvature, square, along = steps.remember(g, state.g_old, state.d, state.t, s:resizeAs(g), y:resizeAs(g))
   if curvature > 1e-10 then
      if #state.old_dirs == capacity then
         table.insert(state.dir_bufs, table.remove(state.old_dirs, 1))
         table.insert(state.stp_bufs, table.remove(state.old_stps, 1))
      end
      table.insert(state.old_dirs, s)
      table.insert(state.old_stps, y)
      state.Hdiag = curvature / square
      return curvature, along
   end
   -- such a pair would make the approximation indefinite
   table.insert(state.dir_bufs, s)
   table.insert(state.stp_bufs, y)
end

-- Turns d, which holds -g, into minus the approximate inverse Hessian times g (the two loops over the memory); gives
-- the slope along it. Each pass over d computes the products that the next one needs; `curvature` and `along` are
-- those of the last pair, where they are known.
local function newton(state, g, capacity, curvature, along)
   local d, moves, changes = state.d, state.old_dirs, state.old_stps
   state.ro, state.al = state.ro or torch.zeros(capacity), state.al or torch.zeros(capacity)
   local ro, al, n = state.ro, state.al, #moves
   if n == 0 then return g:dot(d:mul(state.Hdiag)) end
   if not curvature then curvature, along = changes[n]:dot(moves[n]), moves[n]:dot(d) end
   for i = n, 1, -1 do
      ro[i] = 1 / curvature
      al[i] = along * ro[i]
      if i > 1 then along, curvature = steps.turn(d, 1, changes[i], -al[i], 1, moves[i - 1], changes[i - 1]) end
   end
   along = steps.turn(d, 1, changes[1], -al[1], state.Hdiag, changes[1])
   for i = 1, n do
      along = steps.turn(d, 1, moves[i], al[i] - along * ro[i], 1, changes[i + 1] or g)
   end
   return along
end

-- The direction from here on; gives the slope along it.
local function direction(state, g, capacity)
   if state.nIter > 1 then return newton(state, g, capacity, remember(state, g, capacity)) end
   state.d = g:clone():mul(-1)
   state.old_dirs, state.old_stps = {}, {}
   state.Hdiag = 1
   state.g_old = g:clone()
   return g:dot(state.d)
end

local function options_of(config)
   local function option(key, default) return step.number('lbfgs', config, key, default) end
   local o = { maxIter = option('maxIter', 20), tolFun = option('tolFun', 1e-5), tolX = option('tolX', 1e-9),
      nCorrection = option('nCorrection', 100), learningRate = option('learningRate', 1) }
   o.maxEval = option('maxEval', 1.25 * o.maxIter)
   local search = config.lineSearch
   if search and type(search) ~= 'function' then
      error('optim.lbfgs: option lineSearch should be a function like optim.lswolfe, got '
         .. (type(search) == 'number' and 'the number ' .. search or 'a ' .. torch.type(search)))
   end
   o.lineSearch, o.lineSearchOptions = config.lineSearch, config.lineSearchOptions
   o.say = config.verbose and function(why) print('<optim.lbfgs> ', why) end or function() end
   return o
end

-- Moves x along state.d. Gives the new x, f, g and the number of evaluations; without one when nothing is to follow.
local function advance(o, opfunc, x, f, g, slope, state, last)
   if o.lineSearch then
      local evaluations
      f, g, x, state.t, evaluations = o.lineSearch(opfunc, x, state.t, state.d, f, g, slope, o.lineSearchOptions)
      return x, f, g, evaluations
   end
   x:add(state.t, state.d)
   if last then return x, f, g, 0 end
   f, g = step.evaluate('lbfgs', opfunc, x)
   return x, f, g, 1
end

-- Why to stop after a step, or nil.
local function finished(o, state, f, g, iterations, evaluations)
   if iterations == o.maxIter then return 'reached max number of iterations' end
   if evaluations >= o.maxEval then return 'max nb of function evals' end
   local sum = state.tmp1
   if steps.sizes(sum, g) <= o.tolFun then return 'optimality condition below tolFun' end
   if steps.sizes(sum, state.d, state.t) <= o.tolX then return 'step size below tolX' end
   if math.abs(f - state.f_old) < o.tolX then return 'function value changing less than tolX' end
end

-- Options: maxIter (20), maxEval (1.25 maxIter), tolFun (1e-5), tolX (1e-9), nCorrection (100), learningRate (1),
-- lineSearch, lineSearchOptions, verbose. Gives x, the values of f on the way, and the number of evaluations.
return function(opfunc, x, config, state)
   config, state = step.begin('lbfgs', opfunc, x, config, state)
   local o = options_of(config)
   state.funcEval, state.nIter = state.funcEval or 0, state.nIter or 0
   local f, g = step.evaluate('lbfgs', opfunc, x)
   local values, evaluations = { f }, 1
   state.funcEval = state.funcEval + 1
   if steps.sizes(step.scratch(state, 'tmp1', g), g) <= o.tolFun then
      o.say('optimality condition below tolFun')
      return x, values
   end
   if not state.dir_bufs then o.say('creating recyclable direction/step/history buffers') end

   local why
   local iterations = 0
   while not why and iterations < o.maxIter do
      iterations = iterations + 1
      state.nIter = state.nIter + 1
      local slope = direction(state, g, o.nCorrection)
      state.f_old = f
      -- the direction no longer descends
      if slope > -o.tolX then break end
      state.t = o.learningRate
      -- the very first direction is the plain gradient, whose length says nothing about a good step
      if state.nIter == 1 then state.t = math.min(1, 1 / steps.sizes(state.tmp1, g)) * o.learningRate end
      local spent
      x, f, g, spent = advance(o, opfunc, x, f, g, slope, state, iterations == o.maxIter)
      if o.lineSearch or spent > 0 then values[#values + 1] = f end
      evaluations, state.funcEval = evaluations + spent, state.funcEval + spent
      why = finished(o, state, f, g, iterations, evaluations)
   end
   if why then o.say(why) end
   return x, values, evaluations
end
