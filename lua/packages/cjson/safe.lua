-- cjson with errors as results: nil and a message.
return require('cjson')._safe
