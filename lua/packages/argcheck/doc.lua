-- Package argcheck: texts that describe functions, gathered where somebody records them.
local doc = { __record = nil }

function doc.record() doc.__record = {} end
function doc.stop()
   local texts = doc.__record or {}
   doc.__record = nil
   return table.concat(texts)
end
function doc.doc(text)
   if doc.__record then table.insert(doc.__record, text) end
end

return setmetatable(doc, { __call = function(_, text) return doc.doc(text) end })
