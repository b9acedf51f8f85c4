// SPDX-License-Identifier: Apache-2.0
// Photographs, through libpng's and libjpeg's own decoders. Whatever the file holds comes out as
// 8-bit grey or RGB; images of more than 2^28 pixels are refused before anything is allocated.
#include "frontend/data/Files.h"

#include <csetjmp>
#include <cstdio>
#include <fmt/format.h>
#include <jpeglib.h>
#include <png.h>

namespace cornet::data {
namespace {

constexpr int64_t maxPixels = int64_t(1) << 28;

/// Neither deflate (1032 to 1, at a bit a pixel) nor JPEG (a bit for 64 pixels, or less when coded
/// arithmetically) makes more pixels of a byte.
constexpr int64_t pixelsOfAByte = 8448;

void checkSize(int64_t height, int64_t width, size_t bytes, const std::string &path) {
  if (height <= 0 || width <= 0 || height > maxPixels / width)
    throw Error(fmt::format("{}: an image of {}x{} pixels is too large", path, width, height));
  if (height * width / pixelsOfAByte > int64_t(bytes))
    throw Error(fmt::format("{}: is damaged: it claims {}x{} pixels in {} bytes", path, width,
                            height, bytes));
}

/// Drops the alpha of grey-alpha or RGBA pixels.
Array withoutAlpha(const Array &image) {
  int64_t channels = image.shape[2] - 1;
  Array result(DType::U8, {image.shape[0], image.shape[1], channels});
  for (size_t from = 0, to = 0; from < image.bytes.size(); from += size_t(channels) + 1)
    for (int64_t c = 0; c < channels; ++c)
      result.bytes[to++] = image.bytes[from + size_t(c)];
  return result;
}

Array readPng(const std::string &bytes, const std::string &path, bool keepAlpha) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  struct Free {
    png_image *image;
    ~Free() { png_image_free(image); }
  } guard{&image};
  if (!png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()))
    throw Error(fmt::format("{}: is not a readable PNG: {}", path, image.message));
  checkSize(image.height, image.width, bytes.size(), path);
  bool colour = keepAlpha || image.format & (PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_COLORMAP);
  bool alpha = keepAlpha || image.format & PNG_FORMAT_FLAG_ALPHA;
  image.format = (colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY) | (alpha ? PNG_FORMAT_FLAG_ALPHA : 0u);
  Array pixels(DType::U8, {image.height, image.width, (colour ? 3 : 1) + alpha});
  // A warning is a cell that had to be made up: too little data, a bad checksum.
  if (!png_image_finish_read(&image, nullptr, pixels.bytes.data(), 0, nullptr) ||
      image.warning_or_error)
    throw Error(fmt::format("{}: is a damaged PNG: {}", path, image.message));
  return alpha && !keepAlpha ? withoutAlpha(pixels) : pixels;
}

struct JpegError {
  jpeg_error_mgr base;
  std::jmp_buf leave;
  char text[JMSG_LENGTH_MAX];
};

[[noreturn]] void leaveJpeg(j_common_ptr info) {
  auto *error = reinterpret_cast<JpegError *>(info->err);
  info->err->format_message(info, error->text);
  std::longjmp(error->leave, 1);
}

/// libjpeg leaves by longjmp: nothing in this frame may need a destructor.
bool decodeJpeg(const std::string &bytes, jpeg_decompress_struct &info, JpegError &error,
                Array *pixels) {
  if (setjmp(error.leave))
    return false;
  if (!pixels) {
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size());
    jpeg_read_header(&info, TRUE);
    info.out_color_space = info.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_calc_output_dimensions(&info);
    return true;
  }
  jpeg_start_decompress(&info);
  size_t pitch = size_t(info.output_width) * size_t(info.output_components);
  while (info.output_scanline < info.output_height) {
    auto *row = reinterpret_cast<JSAMPROW>(pixels->bytes.data() + info.output_scanline * pitch);
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  return true;
}

Array readJpeg(const std::string &bytes, const std::string &path) {
  jpeg_decompress_struct info{};
  JpegError error{};
  info.err = jpeg_std_error(&error.base);
  error.base.error_exit = leaveJpeg;
  error.base.output_message = [](j_common_ptr) {};
  jpeg_create_decompress(&info);
  struct Free {
    jpeg_decompress_struct *info;
    ~Free() { jpeg_destroy_decompress(info); }
  } guard{&info};
  if (!decodeJpeg(bytes, info, error, nullptr))
    throw Error(fmt::format("{}: is not a readable JPEG: {}", path, error.text));
  checkSize(info.output_height, info.output_width, bytes.size(), path);
  Array pixels(DType::U8, {info.output_height, info.output_width,
                           info.out_color_space == JCS_GRAYSCALE ? 1 : 3});
  if (!decodeJpeg(bytes, info, error, &pixels))
    throw Error(fmt::format("{}: is a damaged JPEG: {}", path, error.text));
  if (error.base.num_warnings != 0)
    throw Error(fmt::format("{}: is a damaged JPEG (it ends early or has bad codes)", path));
  return pixels;
}

Array withOpaqueAlpha(const Array &image) {
  Array colour = withChannels(image, 3).as(DType::U8);
  Array result(DType::U8, {image.shape[0], image.shape[1], 4});
  for (size_t i = 0, end = result.bytes.size(); i < end; ++i)
    result.bytes[i] = i % 4 == 3 ? std::byte(255) : colour.bytes[i / 4 * 3 + i % 4];
  return result;
}

} // namespace

Array parseImage(const std::string &bytes, const std::string &path, int channels) {
  bool isPng = bytes.starts_with("\x89PNG");
  if (!isPng && !bytes.starts_with("\xff\xd8"))
    throw Error(fmt::format("{}: is neither a PNG nor a JPEG image", path));
  if (channels != 0 && channels != 1 && channels != 3 && channels != 4)
    throw Error(fmt::format("{}: {} channels asked for; 1, 3 and 4 are possible", path, channels));
  Array image = isPng ? readPng(bytes, path, channels == 4) : readJpeg(bytes, path);
  if (channels == 0 || image.shape[2] == channels)
    return image;
  return channels == 4 ? withOpaqueAlpha(image) : withChannels(image, channels).as(DType::U8);
}

Array readImage(const std::string &path, int channels) {
  return parseImage(readFile(path), path, channels);
}

} // namespace cornet::data
