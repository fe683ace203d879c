-- What an error of the readers and writers of files says, without the place in Lua and the inner function that it came from:
-- who tells of it names the function that was called.
return function(why)
   return (tostring(why):gsub('^.-rekindle%.models%.%w+: ', ''):gsub('^%S+%.lua:%d+: ', ''):gsub(' %(os error %d+%)', ''))
end
