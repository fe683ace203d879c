-- graphicsmagick.parseExif(tags): date and place of what a camera wrote, as { longitude, latitude, url_google }.

-- Degrees of 'a, b, c' (each a number or a fraction), 'a deg b\' c"', 'a,bN' or a number.
local function degrees(text)
   text = tostring(text)
   local function value(part)
      local above, below = tostring(part):match '^%s*([%d.]+)%s*/%s*([%d.]+)%s*$'
      if above then return tonumber(above) / tonumber(below) end
      return tonumber(part)
   end
   local d, m, s = text:match '^(.+),%s+(.+),%s+(.+)$'
   if not d then d, m, s = text:match "^(.+) deg (.+)' (.+)\"" end
   if not d then d, m = text:match '^(.+),(.+)%a$' end
   if not d then return value(text) end
   d, m, s = value(d), value(m), value(s or 0)
   return d and m and s and d + m / 60 + s / 3600
end

local function place(tags)
   local east, north = degrees(tags.GPSLongitude), degrees(tags.GPSLatitude)
   if not east or not north then return nil end
   local eastward, northward = tags.GPSLongitudeRef, tags.GPSLatitudeRef
   if not eastward then eastward, east = east < 0 and 'W' or 'E', math.abs(east) end
   if not northward then northward, north = north < 0 and 'S' or 'N', math.abs(north) end
   local longitude = tostring(eastward):upper():sub(1, 1) .. east
   local latitude = tostring(northward):upper():sub(1, 1) .. north
   return { longitude = longitude, latitude = latitude,
            url_google = 'https://maps.google.com/maps?q=' .. longitude .. ',' .. latitude }
end

return function(tags)
   if type(tags) ~= 'table' then error('graphicsmagick.parseExif: expected a table of tags, got ' .. type(tags), 2) end
   return tags.DateTimeOriginal or tags.DateTimeDigitized or tags.DateTime, tags.GPSLongitude and place(tags)
end
