-- The package optim: optimisation methods over a function that gives its value and its gradient, plus what people
-- use around a training loop (a confusion matrix, a logger).
optim = {}

-- Every name of the package. A method's file returns its function, that of a family a table of them; a class's file
-- makes its class under optim. Adding a method means adding a file and its name here.
local families = { 'adaptive' }
local methods = {
   'sgd', 'nag', 'asgd', 'rprop',
   'cg', 'lbfgs', 'lswolfe', 'polyinterp', 'FistaLS', 'cmaes', 'de', 'checkgrad',
}
local classes = { 'ConfusionMatrix', 'Logger' }

for _, family in ipairs(families) do
   for name, method in pairs(require('optim.' .. family)) do optim[name] = method end
end
for _, name in ipairs(methods) do optim[name] = require('optim.' .. name) end
for _, name in ipairs(classes) do require('optim.' .. name) end

require('rekindle.absent').tell('optim', optim, 'method')

return optim
