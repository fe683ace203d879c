-- Package warp_ctc: the losses of nn.CTCCriterion as functions. cpu_ctc(scores, gradient, labels, sizes) gives a table with the
-- loss of each sequence; scores are rows, the first frames of all sequences, then the second ones, and so on. The gradient is
-- written where its tensor is not empty.
require 'nn'

for _, name in ipairs { 'cpu_ctc', 'gpu_ctc' } do
   rawset(_G, name, function(scores, gradient, labels, sizes)
      local function compute()
         if not torch.isTensor(scores) or scores:dim() ~= 2 then
            error(name .. ': a matrix expected as scores, got ' .. (torch.isTensor(scores) and scores:dim() .. ' dimensions' or torch.type(scores)), 0)
         end
         local criterion = nn.CTCCriterion():type(torch.typename(scores))
         local costs = criterion:costs(scores, labels, sizes)
         if torch.isTensor(gradient) and gradient:nElement() > 0 then
            gradient:resize(scores:size()):copy(criterion:updateGradInput(scores, labels))
         end
         return costs
      end
      local ok, result = pcall(compute)
      if not ok then error((tostring(result):gsub('nn%.CTCCriterion', name)), 2) end
      return result
   end)
end
