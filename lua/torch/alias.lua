-- The alias method's two tables as one value, as multinomialAliasSetup hands them out.
local torch = torch

function torch.multinomialAliasSetup(probabilities, state)
   if not torch.isTensor(probabilities) or probabilities:dim() == 0 then
      error('multinomialAliasSetup: expected a vector of probabilities, got ' .. torch.type(probabilities), 2)
   end
   if state and torch.type(state) ~= 'table' then
      error('multinomialAliasSetup: expected a state from an earlier call, got ' .. torch.type(state), 2)
   end
   state = state or { torch.LongTensor(), probabilities.new() }
   local j, q = torch.multinomialAliasSetup_(probabilities, state[1], state[2])
   state[1], state[2] = j:add(1), q
   return state
end

function torch.multinomialAlias(output, state)
   if torch.type(output) ~= 'torch.LongTensor' or type(state) ~= 'table' or not torch.isTensor(state[1]) then
      error('multinomialAlias: expected a LongTensor and a state from multinomialAliasSetup', 2)
   end
   state[1]:add(-1)
   state[2].multinomialAlias_(output, state[1], state[2])
   return output
end
