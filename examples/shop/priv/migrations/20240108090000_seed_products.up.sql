INSERT INTO products (sku, name, price_cents) VALUES
  ('TEA-GREEN', 'Green tea, 100 g', 690),
  ('TEA-BLACK', 'Black tea, 100 g', 590),
  ('TEA-MINT', 'Mint tea, 50 g', 450),
  ('CUP-WHITE', 'Cup, white', 1250),
  ('POT-IRON', 'Cast-iron teapot, 0.8 l', 5900);
