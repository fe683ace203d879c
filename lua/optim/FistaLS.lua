-- optim.FistaLS: minimises f(x) + g(x), f smooth and g easy to shrink towards (Beck and Teboulle), with a line search
-- for the Lipschitz constant.
local step = require 'optim.step'

-- Raises L until the quadratic model at y lies above f at the shrunken gradient step. Leaves that point in `found`, or
-- the previous iterate when no L is large enough. Gives what happened, for the history.
local function search(o, f, pl, y, found, change, previous)
   local fy, gradient = f(y, 'dx')
   if not torch.isTensor(gradient) then
      error("optim.FistaLS: argument 1, called as f(x, 'dx'), should give the value and the gradient, got "
         .. torch.type(gradient) .. ' as gradient', 3)
   end
   local tries = 0
   while true do
      found:copy(y):add(-1 / o.L, gradient)
      pl(found, o.L)
      local value = f(found)
      change:copy(found):add(-1, y)
      local model = fy + gradient:dot(change) + o.L / 2 * change:dot(change)
      tries = tries + 1
      if value <= model then return { nline = tries, L = o.L, Fply = value, Q = model } end
      if tries > o.maxline then
         found:copy(previous)
         return { nline = tries, L = o.L, Fply = value, Q = model }
      end
      o.L = o.L * o.Lstep
   end
end

-- f: f(x) gives the value, f(x, 'dx') the value and the gradient; g: the other term; pl: shrinks its first argument in
-- place, given L; xinit: receives the result. The search starts at zero whatever xinit holds: zero is the sparsest
-- point, and Torch7 starts there.
-- params: L (0.1), Lstep (1.5), maxiter (50), maxline (20), errthres (1e-4), doFistaUpdate (false), verbose. It also
-- keeps the buffers, and L afterwards. Gives the result (params.y) and the history.
return function(f, g, pl, xinit, params)
   local _
   params, _ = step.begin('FistaLS', f, xinit, params)
   local function option(key, default) return step.number('FistaLS', params, key, default) end
   local o = { L = option('L', 0.1), Lstep = option('Lstep', 1.5), maxline = option('maxline', 20) }
   local maxiter, threshold = option('maxiter', 50), option('errthres', 1e-4)
   local y = step.scratch(params, 'y', xinit):resizeAs(xinit):zero()
   local change = step.scratch(params, 'ply', xinit):resizeAs(xinit):zero()
   local previous = step.scratch(params, 'xkm', xinit):resizeAs(xinit):zero()
   local found = step.scratch(params, 'xk', xinit):resizeAs(xinit):zero()

   local history, momentum = {}, 1
   for k = 1, maxiter do
      local entry = search(o, f, pl, y, found, change, previous)
      y:copy(found)
      if params.doFistaUpdate then
         local following = (1 + math.sqrt(1 + 4 * momentum * momentum)) / 2
         y:add((1 - momentum) / following, previous:add(-1, found))
         previous:copy(found)
         momentum = following
         -- the point that will be returned is the extrapolated one
         entry.Fply = f(y)
      end
      entry.Gply = g(y)
      entry.F = entry.Fply + entry.Gply
      history[k] = entry
      local before = k > 1 and history[k - 1].F or math.huge
      if params.verbose then
         print(string.format('iter=%d eold=%g enew=%g', k - 1, before, entry.F))
         entry.xk, entry.y = found:clone(), y:clone()
      end
      if k > 1 and math.abs(before - entry.F) <= threshold then break end
   end
   params.L = o.L
   xinit:copy(y)
   return y, history
end
