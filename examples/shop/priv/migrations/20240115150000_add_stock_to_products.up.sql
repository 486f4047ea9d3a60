ALTER TABLE products ADD COLUMN stock integer NOT NULL DEFAULT 0 CHECK (stock >= 0);

UPDATE products SET stock = 20 WHERE sku LIKE 'TEA-%';
UPDATE products SET stock = 5 WHERE sku IN ('CUP-WHITE', 'POT-IRON');
