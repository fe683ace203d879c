-- The package optim: optimisation methods over a function that gives its value and its gradient, plus what people
-- use around a training loop (a confusion matrix, a logger).
optim = {}

-- Every name of the package. A method's file returns its function; a class's file makes its class under optim.
-- Adding a method means adding a file and its name here.
local methods = {
   'sgd', 'nag', 'asgd', 'adam', 'adamax', 'adagrad', 'adadelta', 'rmsprop', 'rprop',
   'cg', 'lbfgs', 'lswolfe', 'polyinterp', 'FistaLS', 'cmaes', 'de', 'checkgrad',
}
local classes = { 'ConfusionMatrix', 'Logger' }

for _, name in ipairs(methods) do optim[name] = require('optim.' .. name) end
for _, name in ipairs(classes) do require('optim.' .. name) end

return optim
