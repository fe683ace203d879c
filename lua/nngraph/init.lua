-- nngraph: networks as graphs. A module that is called gives a node; nodes go into other modules' calls; nn.gModule
-- makes a module of what lies between input and output nodes.
--
-- With this package, calling a module or a criterion, and `-` between them, build graphs for the whole process.
require 'torch'
require 'nn'
require 'graph'

nngraph = nngraph or {}

require 'nngraph.node'
require 'nngraph.modules'
require 'nngraph.gmodule'
require 'nngraph.drawing'
nngraph.nesting = require 'nngraph.nesting'
nngraph.utils = require 'nngraph.utils'

local build = require 'nngraph.build'

nn.Module.__call__ = build.call
nn.Module.__sub__ = build.pipe
nn.Module.__unm__ = function(module) return module() end
nn.Criterion.__call__ = function(criterion, ...) return nn.ModuleFromCriterion(criterion)(...) end
torch.getmetatable('nngraph.Node').__sub__ = build.pipe

nngraph.nest = build.nest

-- With debugging, an error in a graph says at which node it happened and where that node was made.
function nngraph.setDebug(enable) nngraph.debug = enable and true or false end

-- Gives nodes without a name the name of the local variable of the calling function that holds them.
function nngraph.annotateNodes()
   local index = 1
   while true do
      local name, value = debug.getlocal(2, index)
      if not name then return end
      if torch.isTypeOf(value, 'nngraph.Node') and not value.data.annotations.name then
         value.data.annotations.name = name
      end
      index = index + 1
   end
end

return nngraph
