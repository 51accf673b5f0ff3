# rcg with all that it needs. It has never been built where it was written.
#
#   docker build -t rcg .                                      CPU
#   docker build -t rcg --build-arg TORCH=cu126 .              CUDA 12.6
#   docker run --rm -it -v "$PWD/work_dirs:/rcg/work_dirs" rcg \
#       python tools/train.py configs/digits/encoder.py
#
# For CUDA, the host needs a driver and the NVIDIA Container Toolkit
# (docker run --gpus all --shm-size 8g ...). The libraries of CUDA come with
# the wheels of PyTorch, so that one base image serves both.
FROM python:3.12-slim

# cpu, cu126, ...: a folder of PyTorch's wheels.
ARG TORCH=cpu

RUN apt-get update \
    && apt-get install --yes --no-install-recommends git libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /rcg
# First what changes least, so that a change of the code builds in seconds.
RUN pip install --no-cache-dir torch torchvision \
    --index-url "https://download.pytorch.org/whl/${TORCH}"
COPY requirements requirements
RUN pip install --no-cache-dir -r requirements/runtime.txt
COPY . .
RUN pip install --no-cache-dir --no-deps --editable .

CMD ["python", "-c", "import rcg; print('rcg', rcg.__version__)"]
