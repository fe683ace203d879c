-- How each class of nn is expressed: a function of the graph, the module, its input (a value, or a table of them) and what
-- the run has shown of the call ({ x, y }, the sizes of what went in and came out), which gives the output. They stand in
-- files named as those of lua/nn.
local layers = { functions = {}, reasons = {}, families = {} }

local FAMILIES = {
   'linear', 'distance', 'activation', 'views', 'slices', 'reductions', 'elementwise', 'constants', 'dropout', 'gradients',
   'padding', 'upsampling', 'convolution', 'pooling', 'sparse', 'featurepooling', 'normalization', 'neighbourhood',
   'branches', 'wrappers', 'weightnorm', 'tables', 'products', 'nesting', 'lookup', 'tree', 'copies', 'convert', 'kmeans',
   'inspection', 'nngraph',
}

-- Declares classes, by their names in nn or with a package in front.
function layers.declare(names, f)
   for _, name in ipairs(type(names) == 'table' and names or { names }) do
      layers.functions[name:find('.', 1, true) and name or 'nn.' .. name] = f
   end
end

-- Declares that a class cannot be expressed, and why.
function layers.refuse(names, why)
   for _, name in ipairs(type(names) == 'table' and names or { names }) do layers.reasons['nn.' .. name] = why end
end

local loaded = false
function layers.all()
   if not loaded then
      loaded = true
      for _, family in ipairs(FAMILIES) do require('rekindle.export.layers.' .. family) end
   end
   return layers.functions
end

-- The function for a module: that of its class, or of the one that its class is made from and computes as. Else nil and
-- the reason.
function layers.find(module)
   layers.all()
   local name = torch.typename(module)
   local class = name and torch.getmetatable(name)
   if not class then return nil, 'no such class is known' end
   local function own(field) return rawget(module, field) end
   for _, method in ipairs { 'updateOutput', 'forward' } do
      if own(method) then return nil, 'it has a method of its own: ' .. method end
   end
   local at = class
   while at do
      local called = rawget(at, '__typename')
      if called and layers.functions[called] and at.updateOutput == class.updateOutput then
         return layers.functions[called]
      end
      if called and layers.reasons[called] then return nil, layers.reasons[called] end
      at = getmetatable(at)
   end
   if torch.isTypeOf(module, 'nn.Criterion') then return nil, layers.criterion end
   return nil, 'there is no declaration for this class'
end

layers.criterion = 'a criterion compares outputs with targets; a network that is evaluated has none'

return layers
