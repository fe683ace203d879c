-- The table of package torchmpi, which its parts fill.
return {}
